import { createEnding, type Ending } from '../mail/ending.ts';

/** A runner of a race: what it may become, and how it is stopped. */
export interface Race<C, T> {
  readonly candidates: readonly C[];
  /** Rejects at once, and lets go of what it holds, where the signal is aborted. */
  readonly start: (candidate: C, signal: Ending) => Promise<T>;
  /** Milliseconds until the next candidate starts beside those that are under way. */
  readonly stagger: number;
  /** Lets go of what won too late. */
  readonly discard: (late: T) => void;
  readonly signal: Ending;
}

export type RaceEnd<C, T> =
  | { readonly won: true; readonly result: T }
  /** Why each candidate failed; those that had not answered when the signal ended the race are missing. */
  | { readonly won: false; readonly failures: readonly { readonly candidate: C; readonly reason: unknown }[] };

/**
 * Starts the candidates one after another, the next when the last has failed or the stagger is over (RFC 8305, section
 * 5), and stops all others when the first has won. Never rejects.
 */
export function race<C, T>({ candidates, start, stagger, discard, signal }: Race<C, T>): Promise<RaceEnd<C, T>> {
  return new Promise((resolve) => {
    const stop = createEnding();
    const failures: { candidate: C; reason: unknown }[] = [];
    let started = 0;
    let running = 0;
    let over = false;
    let timer: NodeJS.Timeout | undefined;

    const end = (result: RaceEnd<C, T>): void => {
      over = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(result);
      stop.abort();
    };
    const abort = (): void => end({ won: false, failures: [...failures] });

    const next = (): void => {
      clearTimeout(timer);
      if (over) return;
      const candidate = candidates[started];
      if (candidate === undefined) {
        if (running === 0) end({ won: false, failures });
        return;
      }
      started++;
      running++;
      if (started < candidates.length) timer = setTimeout(next, stagger);
      start(candidate, stop.signal).then(
        (result) => {
          if (over) discard(result);
          else end({ won: true, result });
        },
        (reason: unknown) => {
          running--;
          if (over) return;
          failures.push({ candidate, reason });
          next();
        },
      );
    };

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    next();
  });
}
