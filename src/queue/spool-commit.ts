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
