import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { locked } from '../../src/oauth/lock.ts';
import { forgetTokens, openTokenFile } from '../../src/oauth/token-file.ts';
import { currentOwner, formatOwner } from '../../src/queue/owner.ts';
import { scratchFolder } from '../support/spool.ts';

const client = { id: 'client', tokenUrl: 'https://p.test/token' };
const tokens = { refresh: 'r', access: 'a', issued: 1, expires: 2 };

function open() {
  const path = join(scratchFolder(), 'state', 'tokens', 'work.json');
  return { path, file: openTokenFile({ path, client, now: Date.now, sleep: async () => {} }) };
}

const forget = (path: string): Promise<boolean> => forgetTokens({ path, now: Date.now, sleep: async () => {} });

describe('openTokenFile()', () => {
  test('keeps tokens for their owner alone, and leaves no draft', async () => {
    const { path, file } = open();
    expect(file.read()).toBeUndefined();
    file.begin().commit(tokens);
    expect(file.read()).toEqual(tokens);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    const draft = file.begin();
    expect(readdirSync(dirname(path))).toHaveLength(2);
    draft.discard();
    draft.discard();
    expect(readdirSync(dirname(path))).toEqual(['work.json']);
    expect([await forget(path), await forget(path), existsSync(path)]).toEqual([true, false, false]);
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  test('refuses a file that others can read, a link, a FIFO and a flood', async () => {
    const { path, file } = open();
    file.begin().commit(tokens);
    chmodSync(path, 0o640);
    expect(() => file.read()).toThrow(/^Cannot read tokens: file ".*": it is open to others; "chmod 600" closes it$/);
    await forget(path);
    symlinkSync('/etc/passwd', path);
    expect(() => file.read()).toThrow(/can't be used \(ELOOP\)$/);
    await forget(path);
    expect(spawnSync('mkfifo', ['-m', '600', path]).status).toBe(0);
    expect(() => file.read()).toThrow(/it is no small file$/);
    await forget(path);
    writeFileSync(path, Buffer.alloc(100_000), { mode: 0o600 });
    expect(() => file.read()).toThrow(/it is no small file$/);
  });

  test.each(['', '{', '[]', '{"version":1}', '"x"'])('takes what is damaged for none: %s', (text) => {
    const { path, file } = open();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    expect(file.read()).toBeUndefined();
  });

  test('finds out that there is no place before anything is asked', () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'state'), '');
    const path = join(folder, 'state', 'tokens', 'work.json');
    const file = openTokenFile({ path, client, now: Date.now, sleep: async () => {} });
    expect(() => file.begin()).toThrow(/^Cannot write tokens: .*\(E(NOTDIR|EXIST)\)$/);
  });
});

describe('forgetTokens()', () => {
  test('waits for whoever renews them, so that they don’t come back', async () => {
    const { path, file } = open();
    file.begin().commit(tokens);
    const wake = (): Promise<void> => new Promise((done) => setImmediate(done));
    const renewing = file.locked(async () => {
      const draft = file.begin();
      await wake();
      draft.commit({ ...tokens, refresh: 'r2' });
    });
    expect(await forgetTokens({ path, now: () => 0, sleep: wake })).toBe(true);
    await renewing;
    expect(readdirSync(dirname(path))).toEqual([]);
  });
});

describe('locked()', () => {
  const rest = { now: () => 0, sleep: async () => {} };

  test('has one at work at a time', async () => {
    const path = join(scratchFolder(), 'lock');
    let inside = 0;
    const most: number[] = [];
    const work = async (): Promise<void> => {
      inside += 1;
      most.push(inside);
      await new Promise((wake) => setImmediate(wake));
      inside -= 1;
    };
    const sleep = (): Promise<void> => new Promise((wake) => setImmediate(wake));
    await Promise.all(Array.from({ length: 20 }, () => locked({ path, now: () => 0, sleep }, work)));
    expect(most).toEqual(Array(20).fill(1));
    expect(existsSync(path)).toBe(false);
  });

  test('takes the lock of a process that is dead, and leaves nothing', async () => {
    const folder = scratchFolder();
    const path = join(folder, 'lock');
    writeFileSync(path, formatOwner({ ...currentOwner(), start: '1' }));
    expect(await locked({ path, ...rest }, async () => 'done')).toBe('done');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('gives up where one that lives holds it for too long', async () => {
    const path = join(scratchFolder(), 'lock');
    writeFileSync(path, formatOwner(currentOwner()));
    let clock = 0;
    const sleep = async (milliseconds: number): Promise<void> => {
      clock += milliseconds;
    };
    expect(await locked({ path, now: () => clock, sleep }, async () => 'done')).toBeUndefined();
    expect(clock).toBeGreaterThan(60_000);
    expect(existsSync(path)).toBe(true);
  });

  test('is let go when the work fails', async () => {
    const path = join(scratchFolder(), 'lock');
    const failing = locked({ path, ...rest }, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });
});
