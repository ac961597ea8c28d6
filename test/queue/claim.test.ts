import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Claims, createClaims } from '../../src/queue/claim.ts';
import { type Disk, systemDisk } from '../../src/queue/disk.ts';
import { currentOwner, formatOwner, lifeOf, type Owner, parseOwner } from '../../src/queue/owner.ts';
import { scratchFolder } from '../support/spool.ts';

const self = currentOwner();
/** No process has this id. */
const dead: Owner = { ...self, pid: 2 ** 22 + 1 };

const claimsOf = (folder: string, owner: Owner = self, disk: Disk = systemDisk): Claims =>
  createClaims({ disk, folder, process: owner, now: Date.now });

const names = (folder: string) => readdirSync(folder).filter((name) => !name.startsWith('owner.'));

describe('take()', () => {
  test('is exclusive, also for the same process, until it is given back', () => {
    const folder = scratchFolder();
    const [one, two] = [claimsOf(folder), claimsOf(folder)];
    const token = one.take('a')!;
    expect([one.take('a'), two.take('a')]).toEqual([undefined, undefined]);
    two.drop('a', token);
    expect(names(folder)).toEqual(['a']);
    one.drop('a', token);
    const again = two.take('a');
    expect(again).toBeDefined();
    // A token is good once.
    one.drop('a', token);
    expect(names(folder)).toEqual(['a']);
  });

  test('breaks the claim of the dead at once: no such process, its id used again, another boot', () => {
    const owners: readonly Owner[] = [dead, { ...self, start: '1' }, { ...self, boot: 'other' }];
    for (const owner of owners) {
      const folder = scratchFolder();
      expect(claimsOf(folder, owner).take('a')).toBeDefined();
      expect(claimsOf(folder).take('a')).toBeDefined();
      expect(claimsOf(folder).take('a')).toBeUndefined();
      expect(names(folder)).toEqual(['a']);
    }
  });

  test('breaks the claim of a process that was killed, and not while it lives', async () => {
    const folder = scratchFolder();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    claimsOf(folder, { ...self, pid: child.pid ?? 0, start }).take('a');
    expect(claimsOf(folder).take('a')).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(claimsOf(folder).take('a')).toBeDefined();
  });

  test('breaks what is no claim at all', () => {
    const folder = scratchFolder();
    for (const text of ['', 'not an owner', '1.2.3', `${'9'.repeat(150)}`]) {
      writeFileSync(join(folder, 'a'), text);
      const claims = claimsOf(folder);
      const token = claims.take('a');
      expect(token).toBeDefined();
      claims.drop('a', token!);
      expect(names(folder)).toEqual([]);
    }
  });

  test('goes on where others died while they broke it, one after the other', () => {
    const folder = scratchFolder();
    claimsOf(folder, dead).take('a');
    for (let killed = 0; killed < 4; killed++) {
      // Killed before its rename: the right to break stays.
      const disk: Disk = {
        ...systemDisk,
        rename() {
          throw new Error('killed');
        },
        unlink() {
          throw new Error('killed');
        },
      };
      expect(() => claimsOf(folder, { ...dead, pid: dead.pid + 1 + killed }, disk).take('a')).toThrow('killed');
      expect(names(folder).length).toBe(killed + 2);
    }
    expect(claimsOf(folder).take('a')).toBeDefined();
    expect(claimsOf(folder).take('a')).toBeUndefined();
    expect(claimsOf(folder).sweep()).toBeGreaterThanOrEqual(0);
    expect(names(folder)).toEqual(['a']);
  });

  test('of an owner in another container trusts its last touch', () => {
    const folder = scratchFolder();
    const elsewhere = { ...self, space: '1' };
    expect(lifeOf(elsewhere, self)).toBe('unseen');
    claimsOf(folder, elsewhere).take('a');
    expect(claimsOf(folder).take('a')).toBeUndefined();
    const minutesAgo = Date.now() / 1000 - 11 * 60;
    utimesSync(join(folder, 'a'), minutesAgo, minutesAgo);
    expect(claimsOf(folder).take('a')).toBeDefined();
  });

  test('makes its file again where somebody took it away', () => {
    const folder = scratchFolder();
    const claims = claimsOf(folder);
    const token = claims.take('a')!;
    const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('owner.'));
    systemDisk.unlink(join(folder, file));
    expect(claims.take('b')).toBeDefined();
    claims.drop('a', token);
    expect(names(folder)).toEqual(['b']);
  });

  test('throws where the disk refuses, with its words', () => {
    const folder = scratchFolder();
    const full: Disk = {
      ...systemDisk,
      link() {
        throw Object.assign(new Error(), { code: 'ENOSPC' });
      },
    };
    expect(() => claimsOf(folder, self, full).take('a')).toThrow(`Cannot claim entry: no space is left (ENOSPC): "`);
    expect(() => claimsOf(join(folder, 'none')).take('a')).toThrow('it is missing (ENOENT)');
  });
});

describe('breaking', () => {
  /** Each taker comes in just before one operation of the one before it, which `turns` names, and runs to its end. */
  function interleave(takers: number, turns: readonly number[]): readonly boolean[] {
    const folder = scratchFolder();
    claimsOf(folder, dead).take('a');
    const won: boolean[] = [];
    let running = 0;
    const start = (): void => {
      const mine = running++;
      if (mine >= takers) return;
      let left = turns[mine] ?? 0;
      const step = (): void => {
        if (left-- === 0) start();
      };
      const around = <A extends readonly unknown[], R>(work: (...words: A) => R) => {
        return (...words: A): R => {
          step();
          return work(...words);
        };
      };
      const disk: Disk = {
        ...systemDisk,
        open: around(systemDisk.open),
        read: around(systemDisk.read),
        link: around(systemDisk.link),
        rename: around(systemDisk.rename),
        unlink: around(systemDisk.unlink),
      };
      won[mine] = claimsOf(folder, self, disk).take('a') !== undefined;
      // Nobody came in between: it is the next one's turn.
      if (running === mine + 1) start();
    };
    start();
    expect(names(folder)).toEqual(['a']);
    return won;
  }

  test('gives the claim to exactly one, wherever the others come in between', () => {
    const steps = Array.from({ length: 14 }, (_, n) => n);
    for (const first of steps) {
      for (const second of steps) {
        for (const third of [0, 5, 8]) {
          const turns = [first, second, third, 99];
          const won = interleave(4, turns);
          expect({ turns, winners: won.filter(Boolean).length }).toEqual({ turns, winners: 1 });
        }
      }
    }
  });
});

describe('sweep()', () => {
  test('forgets the dead, their files and rights, and nobody who lives', () => {
    const folder = scratchFolder();
    const [gone, here] = [claimsOf(folder, dead), claimsOf(folder)];
    for (const name of ['a', 'b', 'lock.runner', 'a~0123456789ab']) gone.take(name);
    here.take('c');
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'owner.making'), '');
    expect(existsSync(join(folder, 'a'))).toBe(true);
    systemDisk.unlink(join(folder, 'a~0123456789ab'));
    linkSync(join(folder, 'a'), join(folder, 'a~0123456789ab'));
    const claims = claimsOf(folder);
    expect(() => claims.sweep()).not.toThrow();
    expect(names(folder)).toEqual(['c', 'folder']);
    expect(readdirSync(folder).filter((name) => name.startsWith('owner.')).length).toBe(3);
  });
});

describe('drop()', () => {
  afterEach(() => void vi.useRealTimers());

  test('tries again later what the disk refused', () => {
    const folder = scratchFolder();
    let broken = true;
    const disk: Disk = {
      ...systemDisk,
      unlink(path) {
        if (broken) throw Object.assign(new Error(), { code: 'EIO' });
        systemDisk.unlink(path);
      },
    };
    const claims = claimsOf(folder, self, disk);
    claims.drop('a', claims.take('a')!);
    expect(claims.take('a')).toBeUndefined();
    broken = false;
    expect(claims.take('a')).toBeDefined();
  });

  test('lets the file of its owner go a second after the last claim', () => {
    vi.useFakeTimers();
    const folder = scratchFolder();
    const claims = claimsOf(folder);
    claims.drop('a', claims.take('a')!);
    vi.advanceTimersByTime(900);
    claims.drop('b', claims.take('b')!);
    vi.advanceTimersByTime(900);
    expect(readdirSync(folder).length).toBe(1);
    vi.advanceTimersByTime(200);
    expect(readdirSync(folder)).toEqual([]);
    expect(claims.take('c')).toBeDefined();
  });
});

describe('parseOwner()', () => {
  test('reads what formatOwner() wrote, and nothing else', () => {
    expect(parseOwner(formatOwner(self))).toEqual(self);
    expect(parseOwner(formatOwner({ pid: 7, start: '', space: '', boot: 'host' }))).toMatchObject({ pid: 7 });
    for (const text of ['', '1', '1.2.3', '1.2.3.4.5', '-1.2.3.a', '1.2.3.A', '1 .2.3.a', '1.2.3.a\n']) {
      expect(parseOwner(text)).toBeUndefined();
    }
  });
});
