import { truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Behaviour, call, HANG, USUAL } from '../support/fault-acts.ts';
import { hasProc, peakMemory, start, to } from '../support/fault-process.ts';
import { POSTHASTE } from '../support/fault-run.ts';
import { ANN, ended, openScene, SILENT } from '../support/fault-scene.ts';
import { startSink } from '../support/fault-sink.ts';
import { run } from '../support/run.ts';

const { largeFile, serve } = openScene();

describe('signals', () => {
  const LARGE = `Subject: large\n\n${`${'0123456789'.repeat(6)}\n`.repeat(150_000)}`;

  /** Runs until the server is at a point at which it says nothing, and sends a signal. */
  async function interrupt(signals: readonly NodeJS.Signals[], behaviour: (reached: () => void) => Behaviour) {
    let reached = (): void => {};
    const isThere = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const server = await serve(behaviour(() => reached()));
    const { child, ended: over } = start(['--json', ...to(server.port), ANN], { stdin: LARGE });
    await Promise.race([isThere, over]);
    for (const signal of signals) child.kill(signal);
    const { status, stdout, stderr } = await over;
    await server.close();
    return { status, stdout, stderr, server };
  }
  test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    '%s in the middle of the message: deferred, without the dot',
    async (signal) => {
      const { status, stdout, stderr, server } = await interrupt([signal], (reached) => ({
        middle: [call(reached), HANG],
      }));
      expect(status).toBe(75);
      expect(JSON.parse(stdout).recipients).toEqual([expect.objectContaining({ outcome: 'deferred' })]);
      expect(stderr).not.toMatch(/this is a bug|may have been/);
      expect(ended(server)).toEqual([]);
    },
  );

  test('SIGTERM behind the final dot: it may have been delivered', async () => {
    const { status, stdout } = await interrupt(['SIGTERM'], (reached) => ({ dot: [call(reached), HANG] }));
    expect(status).toBe(75);
    expect(JSON.parse(stdout).recipients).toEqual([expect.objectContaining({ outcome: 'deferred', uncertain: true })]);
  });

  test('a second SIGTERM ends it at once', async () => {
    const { status } = await interrupt(['SIGTERM', 'SIGTERM'], (reached) => ({ greeting: [call(reached), HANG] }));
    expect(status).toBe(75);
  });

  test('SIGHUP is ignored where nobody types', async () => {
    const { status, server } = await interrupt(['SIGHUP'], (reached) => ({
      data: [USUAL],
      rcpt: [call(reached), USUAL],
    }));
    expect([status, ended(server).length]).toEqual([75, 0]);
  });
});

describe('D22 the message can not be read to its end', () => {
  test.each([
    ['cut', (path: string) => truncateSync(path, 2_000_000)],
    ['made longer', (path: string) => writeFileSync(path, 'more\n', { flag: 'a' })],
  ])('the file is %s while it is sent: no dot', async (_, change) => {
    const path = largeFile(16);
    const server = await serve({
      middle: [call(() => change(path))],
      middleAfter: 1000,
    });
    const { status, stderr } = await run(POSTHASTE, [...to(server.port), '--file', path, ANN]);
    await server.close();
    expect([status, ended(server)]).toEqual([74, []]);
    expect(stderr).toMatch(/^posthaste: ann@dest\.test: deferred \(4\.3\.0\): [^\n]*Cannot read/);
  });
});

describe('I22 a message of 200 MiB', () => {
  test.skipIf(!hasProc).each([
    ['a file', 'file=$1; shift; exec "$0" "$@" --file "$file"'],
    ['standard input', 'file=$1; shift; exec "$0" "$@" <"$file"'],
    ['a pipe', 'file=$1; shift; exec "$0" "$@" < <(exec cat "$file")'],
  ])('from %s takes less than 100 MiB of memory', async (_, script) => {
    let peak = 0;
    let pid = 0;
    const sink = await startSink(() => {
      peak = peakMemory(pid);
    });
    const path = largeFile(200);
    const { pid: started, ended: over } = start([path, ...to(sink.port), ANN], { script });
    pid = started;
    expect(await over).toEqual(SILENT);
    await sink.close();
    expect(sink.octets).toBeGreaterThan(200 * 1_048_576);
    expect(peak).toBeGreaterThan(20);
    expect(peak).toBeLessThan(100);
  });
});
