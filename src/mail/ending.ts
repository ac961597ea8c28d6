/**
 * Says once that something is to end, to whoever listens. Every AbortSignal is one; but to make the first of those takes
 * Node 0.6 ms, and all else that we do before we connect takes 6.
 */
export interface Ending {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** An ending, and what brings it about. Listeners must not throw. */
export function createEnding(): { readonly signal: Ending; abort(): void } {
  const listeners = new Set<() => void>();
  let aborted = false;
  return {
    signal: {
      get aborted() {
        return aborted;
      },
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    abort() {
      aborted = true;
      const all = [...listeners];
      listeners.clear();
      for (const listener of all) listener();
    },
  };
}

/** What comes of the work; undefined where it takes more milliseconds than that. It goes on then, and is only left. */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Resolves after so many milliseconds, at once where the signal is or becomes aborted. */
export const sleep = (milliseconds: number, signal?: Ending): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener('abort', wake);
  });
