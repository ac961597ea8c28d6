import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { REFUSED, startMx } from '../support/mx-server.ts';
import { queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

let folder = '';
let child = '';
beforeAll(async () => {
  folder = mkdtempSync('/var/tmp/posthaste-test-');
  const file = join(folder, 'run-child.mjs');
  const bundle = await rolldown({ input: 'test/support/run-child.ts', platform: 'node', logLevel: 'silent' });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  child = file;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const one of children) one.kill('SIGKILL');
  children.clear();
});

function startRunner(folder: string, port: number): ChildProcess {
  const started = spawn(process.execPath, [child, folder, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(started);
  return started;
}

/** The number that a runner tells at its end; undefined where it was killed. */
async function endOf(runner: ChildProcess): Promise<number | undefined> {
  let said = '';
  runner.stdout?.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  const [, signal] = await once(runner, 'close');
  return signal === null ? Number(said) : undefined;
}

const inOrder = (names: readonly string[]): string[] => [...names].sort();

describe('runQueue()', () => {
  test('sends to each recipient once where eight runs of one process work one spool', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.test' });
    const world = queueWorld({ 'a.test': mx.port });
    const { spool, folder } = await testSpool();
    const to: string[] = [];
    for (let count = 0; count < 200; count++) {
      to.push(`u${count}@a.test`);
      await submit(spool, { to: to.slice(-1) });
    }
    const spools = await Promise.all(Array.from({ length: 8 }, () => testSpool({ folder })));
    const reports = await Promise.all(spools.map((each) => world.run(each.spool)));
    expect(reports.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(200);
    expect(reports.filter(({ delivered }) => delivered > 0).length).toBeGreaterThan(1);
    expect(inOrder(mx.messages.flatMap(({ recipients }) => recipients))).toEqual(inOrder(to));
    expect(await spool.ids()).toEqual([]);
    await mx.close();
  });

  test('sends to each recipient once where eight processes work one spool', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.test' });
    const { spool, folder } = await testSpool();
    const to: string[] = [];
    for (let count = 0; count < 200; count++) {
      to.push(`u${count}@a.test`, `v${count}@b.test`);
      await submit(spool, { to: to.slice(-2) });
    }
    const ends = await Promise.all(Array.from({ length: 8 }, () => endOf(startRunner(folder, mx.port))));
    expect(ends.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(400);
    expect(inOrder(mx.messages.flatMap(({ recipients }) => recipients))).toEqual(inOrder(to));
    expect(await spool.ids()).toEqual([]);
    await mx.close();
  });

  test('goes on where a killed run ended, and sends nothing twice but what was under way', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.test', recipients: { 'u7@a.test': REFUSED } });
    const { spool, folder } = await testSpool();
    const to: string[] = [];
    for (let count = 0; count < 100; count++) {
      to.push(`u${count}@a.test`);
      await submit(spool, { to: to.slice(-1), from: count === 7 ? 'ann@a.test' : null });
    }
    let kills = 0;
    for (let turn = 0; turn < 9 && (await spool.ids()).length > 0; turn++) {
      const runner = startRunner(folder, mx.port);
      const end = endOf(runner);
      const before = mx.messages.length;
      // In the middle of its work, which is another place each time.
      const isOver = end.then(() => true);
      while (mx.messages.length < before + 15 + turn) {
        if (await Promise.race([isOver, new Promise((resolve) => setImmediate(resolve))])) break;
      }
      if (kills < 3) runner.kill('SIGKILL');
      if ((await end) === undefined) kills += 1;
    }
    expect(kills).toBe(3);
    expect(await spool.ids()).toEqual([]);
    const received = mx.messages.flatMap(({ recipients }) => recipients);
    const wanted = to.filter((address) => address !== 'u7@a.test');
    expect(inOrder([...new Set(received)].filter((address) => address !== 'ann@a.test'))).toEqual(inOrder(wanted));
    expect(received).toContain('ann@a.test');
    // At most one for each session that was open when it was killed.
    expect(received.length - new Set(received).size).toBeLessThanOrEqual(kills * 5);
    await mx.close();
  });
});
