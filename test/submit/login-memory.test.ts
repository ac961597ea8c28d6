import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLoginMemory } from '../../src/submit/login-memory.ts';
import { scratchFolder } from '../support/spool.ts';

const place = () => join(scratchFolder(), 'state', 'mechanisms.json');
const KEY = 'smtp.example.org:465 ann@example.org';

describe('openLoginMemory()', () => {
  test('remembers for another process, in lines that a person can take away', () => {
    const path = place();
    const memory = openLoginMemory(path);
    expect(memory.strongest(KEY)).toBeUndefined();
    memory.remember(KEY, 'SCRAM-SHA-256');
    memory.remember('other:25 bob', 'PLAIN');
    expect(openLoginMemory(path).strongest(KEY)).toBe('SCRAM-SHA-256');
    expect(readFileSync(path, 'utf8')).toBe(`{\n  "${KEY}": "SCRAM-SHA-256",\n  "other:25 bob": "PLAIN"\n}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, '{\n  "other:25 bob": "PLAIN"\n}\n');
    expect(memory.strongest(KEY)).toBeUndefined();
  });

  test('writes only what changes, and leaves no draft', () => {
    const path = place();
    const memory = openLoginMemory(path);
    memory.remember(KEY, 'PLAIN');
    const { ino } = statSync(path);
    memory.remember(KEY, 'PLAIN');
    expect(statSync(path).ino).toBe(ino);
    memory.remember(KEY, 'CRAM-MD5');
    expect(memory.strongest(KEY)).toBe('CRAM-MD5');
    expect(readdirSync(join(path, '..'))).toEqual(['mechanisms.json']);
  });

  test('keeps a thousand accounts, the latest', () => {
    const path = place();
    const all = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`h:25 user-${index}`, 'PLAIN']));
    mkdirSync(join(path, '..'));
    writeFileSync(path, JSON.stringify(all));
    const memory = openLoginMemory(path);
    memory.remember(KEY, 'PLAIN');
    expect(memory.strongest('h:25 user-0')).toBeUndefined();
    expect(memory.strongest('h:25 user-1')).toBe('PLAIN');
    expect(memory.strongest(KEY)).toBe('PLAIN');
  });

  test.each(['', '{', 'null', '[]', '3', '{"a":1}', '\xff', 'x'.repeat(300_000)])(
    'makes nothing of %.20j, and goes on',
    (text) => {
      const path = place();
      mkdirSync(join(path, '..'));
      writeFileSync(path, text);
      const memory = openLoginMemory(path);
      expect(memory.strongest('a')).toBeUndefined();
      memory.remember(KEY, 'PLAIN');
      expect(memory.strongest(KEY)).toBe('PLAIN');
    },
  );

  test('is no trouble where it can be neither read nor written', () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'file'), '');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    mkdirSync(join(folder, 'folder'));
    for (const name of ['file/below', 'folder']) {
      const memory = openLoginMemory(join(folder, name));
      memory.remember(KEY, 'PLAIN');
      expect(memory.strongest(KEY)).toBeUndefined();
    }
    expect(openLoginMemory(join(folder, 'fifo')).strongest(KEY)).toBeUndefined();
    expect(existsSync(join(folder, 'fifo'))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['fifo', 'file', 'folder']);
  });

  test('takes no name of an object’s own for an account', () => {
    expect(openLoginMemory(place()).strongest('constructor')).toBeUndefined();
  });
});
