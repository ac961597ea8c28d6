import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureRunner } from '../../src/queue/background.ts';
import { RUNNER } from '../../src/queue/runner.ts';
import { scratchFolder, testSpool } from '../support/spool.ts';

/** Writes what a process is like into a file, whole at once. */
const TELL = `
const { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } = require('node:fs');
const [, , , , , session] = readFileSync('/proc/self/stat', 'latin1').replace(/\\(.*\\)/, 'x').split(' ');
const links = [0, 1, 2].map((one) => readlinkSync('/proc/self/fd/' + one));
console.log('this goes nowhere');
writeFileSync(process.argv[1] + '.new', JSON.stringify({ pid: process.pid, session: Number(session), cwd: process.cwd(), links, word: process.env.WORD }));
renameSync(process.argv[1] + '.new', process.argv[1]);
`;

async function read(file: string): Promise<unknown> {
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('ensureRunner()', () => {
  test('starts a process with a session of its own, in /, without our descriptors', async () => {
    const { spool } = await testSpool();
    const file = join(scratchFolder(), 'told');
    const start = { program: process.execPath, words: ['-e', TELL, file], env: { WORD: 'given' } };
    expect(await ensureRunner(spool, start)).toBe('started');
    const told = await read(file);
    expect(told).toEqual({
      pid: expect.any(Number),
      session: expect.any(Number),
      cwd: '/',
      links: ['/dev/null', '/dev/null', '/dev/null'],
      word: 'given',
    });
    expect(told).toMatchObject({ session: (told as { pid: number }).pid });
  });

  test('starts none where a runner is there', async () => {
    const { spool } = await testSpool();
    const lock = await spool.acquire(RUNNER);
    const start = { program: '/nonexistent', words: [], env: {} };
    expect(await ensureRunner(spool, start)).toBe('there');
    await lock?.release();
  });

  test('leaves the lock to the runner', async () => {
    const { spool } = await testSpool();
    await ensureRunner(spool, { program: process.execPath, words: ['-e', '0'], env: {} });
    expect(await spool.acquire(RUNNER)).toBeDefined();
  });

  test('never rejects where there is no such program', async () => {
    const { spool } = await testSpool();
    const folder = scratchFolder();
    writeFileSync(join(folder, 'plain'), 'no program');
    expect(await ensureRunner(spool, { program: join(folder, 'none'), words: [], env: {} })).toBe('failed');
    expect(await ensureRunner(spool, { program: join(folder, 'plain'), words: [], env: {} })).toBe('failed');
    expect(await ensureRunner(spool, { program: 'a\0b', words: [], env: {} })).toBe('failed');
  });
});
