/** The glue to runtimes of the Fetch API: Request in, Response out. */
export {}
