using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .views)],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);

const views :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "codec.wasm", wasm = embed "dist/codec.wasm"),
  ],
  bindings = [(name = "SESSION_SECRET", fromEnvironment = "SESSION_SECRET")],
  compatibilityDate = "2025-05-01",
);
