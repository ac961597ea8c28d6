import type { Attempt } from './history.ts';
import { isoTime, printJson, resultJson } from './json.ts';

/*
 * `--log FILE`: one JSON line for each attempt and for each result in it. A line is written whole, in one append, so
 * that several runs may share a file. Trouble with the file never stops mail: it is told once, and the log is given up.
 */

/** Appends one whole line. @throws {Error} where that fails; it is not called again then. */
export type Append = (line: string) => void;

export interface Log {
  attempt(attempt: Attempt, number: number): void;
}

export interface LogOptions {
  readonly append: Append;
  /** Tells the first trouble. */
  onTrouble(error: unknown): void;
  /** The Message-ID, where the message has one. */
  readonly messageId: string | undefined;
  readonly sender: string;
}

/** A log that begins with this message. */
export function createLog({ append, onTrouble, messageId, sender }: LogOptions): Log {
  let broken = false;
  const write = (value: object): void => {
    if (broken) return;
    try {
      append(printJson(value));
    } catch (error) {
      broken = true;
      onTrouble(error);
    }
  };
  const message = messageId === undefined ? {} : { message: messageId };
  return {
    attempt({ began, ended, results }, number) {
      const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length;
      write({
        time: isoTime(began),
        event: 'attempt',
        ...message,
        sender,
        attempt: number,
        milliseconds: ended - began,
        delivered: count('delivered'),
        deferred: count('deferred'),
        failed: count('failed'),
      });
      for (const result of results) {
        write({ time: isoTime(ended), event: 'result', ...message, attempt: number, ...resultJson(result) });
      }
    },
  };
}
