/** Changes to a session that reach nobody: put into an object that another one has replaced, or made after the headers were sent. */
import { changedKeys, type Snapshot, snapshot } from './data.ts'

/** A session object whose place another one has taken, and what it held then. */
interface Replaced {
  readonly session: object
  readonly by: string
  readonly before: Snapshot
}

export class Losses {
  readonly #replaced: Replaced[] = []
  #committed: Snapshot | undefined

  /** `by` replaces this session object, which the app may go on to use. `isEmptied`: the object stays in use, and is empty now. */
  retire(session: object, by: string, isEmptied: boolean): void {
    this.#replaced.push({ session, by, before: isEmptied ? new Map() : snapshot(session) })
  }

  /** In words: what was put into the replaced objects, less what the `current` session shares with them. Each is told once. */
  takeReplaced(current: object | null | undefined): string[] {
    return this.#replaced.splice(0).flatMap(({ session, by, before }) => {
      const keys = session === current ? undefined : changedKeys(session, before, current ?? null)
      if (keys === undefined) return []
      const remedy = by === 'destroy()' ? 'begin a new session with it' : 'use the session of the request'
      return `${keys} was put into a session object after ${by} had replaced it, so it is lost: ${remedy}`
    })
  }

  /** Remembers the data as it was sent. */
  watch(session: object): void {
    this.#committed = snapshot(session)
  }

  forget(): void {
    this.#committed = undefined
  }

  /** In words: what has changed since watch(), if anything. It is told once. */
  takeLate(session: object): string | undefined {
    const keys = this.#committed && changedKeys(session, this.#committed)
    this.#committed = undefined
    return keys === undefined
      ? undefined
      : `the session's ${keys} changed after the response's headers were sent, so the change is lost: change the session before the response begins`
  }
}
