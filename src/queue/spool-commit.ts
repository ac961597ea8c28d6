/*
 * How many who change a folder share its fsync. An fsync serves each change that was made before it began; so who comes
 * while one runs waits for the next, together with all others who come until that one begins. With one caller it is an
 * fsync each time, with a hundred it is about one for a hundred, and nobody ever waits for more than two.
 *
 * A failure is told to all whom the fsync served and to nobody else: it is not tried again for them, because the system
 * forgets what it could not write.
 */

/** Wraps what is to be shared: the promise is that of a run which began after the call. */
export function shared(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    const mine = run().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };
  const startNext = (): Promise<void> => {
    next = undefined;
    return start();
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(startNext, startNext);
    return next;
  };
}

/**
 * Makes changes durable together: all that were asked for while one `commit` ran are made when it has ended, then comes
 * one commit for all of them. Each promise is that of its change, and rejects where the commit fails.
 *
 * No file is put in its place by it while a commit runs, because a file system with a journal lets whoever wants to change
 * what is being written wait, and here that would be the whole program: half of all messages would be taken in a second.
 * So between two commits there is a turn of the event loop, in which those who were served do what comes next.
 */
export function together(commit: () => Promise<void>): (change: () => void) => Promise<void> {
  interface Wish {
    change(): void;
    resolve(): void;
    reject(error: unknown): void;
  }
  const wishes: Wish[] = [];
  let running = false;

  async function turn(): Promise<void> {
    const made: Wish[] = [];
    for (const wish of wishes.splice(0)) {
      try {
        wish.change();
        made.push(wish);
      } catch (error) {
        wish.reject(error);
      }
    }
    if (made.length === 0) return;
    try {
      await commit();
      for (const wish of made) wish.resolve();
    } catch (error) {
      for (const wish of made) wish.reject(error);
    }
  }

  async function run(): Promise<void> {
    running = true;
    while (wishes.length > 0) {
      await turn();
      if (wishes.length > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    running = false;
  }

  return (change) =>
    new Promise((resolve, reject) => {
      wishes.push({ change, resolve, reject });
      if (!running) void run();
    });
}

/** Lets so many run at once; the others wait in order, so that descriptors are bounded however many there are. */
export function limited(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const first = waiting.shift();
      if (first === undefined) free++;
      else first();
    }
  };
}
