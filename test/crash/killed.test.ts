import { type ChildProcess, spawn } from 'node:child_process';
import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { currentOwner, formatOwner } from '../../src/queue/owner.ts';
import { draftFor } from '../support/draft.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { scratchFolder, testSpool } from '../support/spool.ts';
import { broken } from './judge.ts';

let program: string;
beforeAll(async () => {
  program = join(tmpdir(), `posthaste-crash-${process.pid}.mjs`);
  const bundle = await rolldown({ input: 'test/crash/spool-child.ts', platform: 'node', logLevel: 'silent' });
  await bundle.write({ file: program, codeSplitting: false });
  await bundle.close();
  return () => rmSync(program);
});

interface Ended {
  readonly said: readonly string[];
  readonly signal: string | null;
  readonly stderr: string;
}

/** Runs the program to its end; `ready` is called when it first says something. */
function run(words: readonly string[], ready: (child: ChildProcess) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...words], { stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdin.on('error', () => {});
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdout.on('data', (text) => {
    if (stdout === '') ready(child);
    stdout += text;
  });
  return new Promise((resolve) => {
    child.on('close', (_, signal) => {
      resolve({ said: stdout.split('\n').filter((line) => line !== ''), signal, stderr });
    });
  });
}

/** Four at a time: they wait for the disk as much as for a processor. */
async function each(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
}

// 80 processes take 4 s, but not where others want the processors too.
describe('a process killed', { timeout: 60_000 }, () => {
  test('with SIGKILL after any change of the disk leaves what a life that ends does', async () => {
    const base = scratchFolder();
    await testSpool({ folder: join(base, 'whole') });
    const whole = await run([join(base, 'whole'), '1000000']);
    expect(whole).toMatchObject({ signal: null, stderr: '' });
    const changes = Number(whole.said.at(-1)?.split(' ')[1]);
    expect(changes).toBeGreaterThan(40);
    await each(changes, async (n) => {
      const at = n + 1;
      const { folder } = await testSpool({ folder: join(base, String(at)) });
      const { said, signal, stderr } = await run([folder, String(at)]);
      const wrong = await broken(folder, said);
      expect({ at, signal, stderr, wrong }).toEqual({ at, signal: 'SIGKILL', stderr: '', wrong: [] });
    });
  });

  test('at any time leaves what a life that ends does, also where it goes on with what others left', async () => {
    const base = scratchFolder();
    const spools = [0, 1, 2, 3].map((n) => ({ folder: join(base, String(n)), said: [] as string[] }));
    await each(32, async (n) => {
      const spool = spools[n % spools.length] ?? { folder: '', said: [] };
      const ended = await run([spool.folder], (child) => {
        setTimeout(() => child.kill('SIGKILL'), (n * 7919) % 40);
      });
      expect(ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      spool.said.push(...ended.said);
    });
    for (const { folder, said } of spools) expect(await broken(folder, said)).toEqual([]);
  });
});

describe('eight processes on one spool', () => {
  test('handle each of 200 entries once, though a dead one has claimed them all', async () => {
    const { spool, folder } = await testSpool();
    const message = messageOf(HELLO);
    for (let n = 0; n < 200; n++) await spool.accept(message, draftFor('bob'));
    const ids = await spool.ids();
    const dead = join(folder, 'claim', 'owner.dead');
    writeFileSync(dead, `${formatOwner({ ...currentOwner(), pid: 2 ** 22 + 1 })}.dead`);
    for (const id of ids) linkSync(dead, join(folder, 'claim', id));

    const waiting: ChildProcess[] = [];
    const ready = (child: ChildProcess) => {
      waiting.push(child);
      if (waiting.length === 8) for (const one of waiting) one.stdin?.end();
    };
    const ended = await Promise.all(Array.from({ length: 8 }, () => run([folder, 'work'], ready)));
    const handled = ended.flatMap(({ said }) => said.filter((line) => line.startsWith('handled ')));
    expect(ended.map(({ stderr }) => stderr).join('')).toBe('');
    expect(handled.map((line) => line.slice('handled '.length)).sort()).toEqual(ids);
    expect(await spool.ids()).toEqual([]);
    expect(await broken(folder, [])).toEqual([]);
  });
});
