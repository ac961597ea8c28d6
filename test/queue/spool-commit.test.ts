import { describe, expect, test } from 'vitest';
import { limited, shared } from '../../src/queue/spool-commit.ts';

/** Work that ends when the test says so. */
function gates() {
  const open: { resolve(): void; reject(error: Error): void }[] = [];
  const run = () => new Promise<void>((resolve, reject) => open.push({ resolve, reject }));
  return { open, run };
}
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('shared()', () => {
  test('serves with one run all who come before it begins, and never who comes after', async () => {
    const { open, run } = gates();
    const commit = shared(run);
    const done: string[] = [];
    const call = (name: string) => void commit().then(() => done.push(name));
    call('a');
    expect(open.length).toBe(1);
    for (const name of ['b', 'c', 'd']) call(name);
    expect(open.length).toBe(1);
    open[0]?.resolve();
    await settle();
    expect([done, open.length]).toEqual([['a'], 2]);
    call('e');
    open[1]?.resolve();
    await settle();
    expect([done, open.length]).toEqual([['a', 'b', 'c', 'd'], 3]);
    open[2]?.resolve();
    await settle();
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
    call('f');
    expect(open.length).toBe(4);
  });

  test('tells a failure to all whom the run served, and goes on', async () => {
    const { open, run } = gates();
    const commit = shared(run);
    const first = commit();
    const others = [commit(), commit()];
    open[0]?.reject(new Error('EIO'));
    await expect(first).rejects.toThrow('EIO');
    await settle();
    open[1]?.resolve();
    await expect(Promise.all(others)).resolves.toEqual([undefined, undefined]);
  });
});

describe('limited()', () => {
  test('lets so many run at once, the others in order, whatever becomes of each', async () => {
    const { open, run } = gates();
    const inTurn = limited(2);
    const begun: number[] = [];
    const ends = [0, 1, 2, 3].map((n) =>
      inTurn(() => {
        begun.push(n);
        return run();
      }).catch((error) => error.message),
    );
    await settle();
    expect(begun).toEqual([0, 1]);
    open[0]?.reject(new Error('no'));
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    for (const n of [1, 2]) open[n]?.resolve();
    await settle();
    open[3]?.resolve();
    expect(await Promise.all(ends)).toEqual(['no', undefined, undefined, undefined]);
  });
});
