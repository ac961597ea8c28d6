import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Disk, systemDisk } from '../../src/queue/disk.ts';
import { currentOwner, formatOwner } from '../../src/queue/owner.ts';
import { isQueueId, newQueueId, timeOfId } from '../../src/queue/spool-id.ts';
import { draftFor } from '../support/draft.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { scratchFolder, testSpool } from '../support/spool.ts';

const hello = messageOf(HELLO);
const dead = { ...currentOwner(), pid: 2 ** 22 + 1 };

/** A disk that writes down what reaches it: `fsync message/…`, `rename entry/…`. */
function traced(): { disk: Disk; trace: string[] } {
  const trace: string[] = [];
  const open = new Map<number, string>();
  const short = (path: string) =>
    path
      .split('/')
      .slice(-2)
      .join('/')
      .replace(/[0-9a-z]{15}/g, 'ID');
  const disk: Disk = {
    ...systemDisk,
    open(path, how) {
      const descriptor = systemDisk.open(path, how);
      open.set(descriptor, short(path));
      return descriptor;
    },
    async fsync(descriptor) {
      await systemDisk.fsync(descriptor);
      trace.push(`fsync ${open.get(descriptor)?.replace(/\.[^.]*$/, '')}`);
    },
    rename(from, to) {
      systemDisk.rename(from, to);
      trace.push(`rename ${short(to)}`);
    },
    async remove(path) {
      await systemDisk.remove(path);
      trace.push(`unlink ${short(path)}`);
    },
  };
  return { disk, trace };
}

describe('what must last', () => {
  test('reaches the disk before it is told, the message before the entry', async () => {
    const { disk, trace } = traced();
    const { spool } = await testSpool({ disk, fsync: true });
    trace.length = 0;
    const { id } = await spool.accept(hello, draftFor('bob'));
    expect(trace.splice(0, 3).sort()).toEqual(['fsync message/ID', 'fsync spool/message', 'fsync tmp/ID']);
    expect(trace.splice(0)).toEqual(['rename entry/ID.json', 'fsync spool/entry']);
    const claim = (await spool.claim(id))!;
    await spool.replace(claim, claim.entry);
    expect(trace.splice(0)).toEqual(['fsync tmp/ID', 'rename entry/ID.json', 'fsync spool/entry']);
    await spool.remove(claim);
    await claim.release();
    expect(trace.splice(0, 2)).toEqual(['rename tmp/ID.removed', 'fsync spool/entry']);
    expect(trace.splice(0).sort()).toEqual(['unlink message/ID', 'unlink tmp/ID.removed']);
  });

  test('waits for nothing where fsync is off', async () => {
    const { disk, trace } = traced();
    const { spool } = await testSpool({ disk, fsync: false });
    await spool.accept(hello, draftFor('bob'));
    expect(trace).toEqual(['rename entry/ID.json']);
  });

  test('shares the fsyncs of folders among those who accept at the same time', async () => {
    const { disk, trace } = traced();
    const { spool } = await testSpool({ disk, fsync: true });
    await Promise.all(Array.from({ length: 40 }, () => spool.accept(hello, draftFor('bob'))));
    expect(trace.filter((line) => line === 'fsync message/ID').length).toBe(40);
    expect(trace.filter((line) => line === 'fsync spool/entry').length).toBeLessThan(40);
  });

  test('is not tried again where an fsync failed: the system would say that all is well', async () => {
    let failing = 0;
    const disk: Disk = {
      ...systemDisk,
      async fsync(descriptor) {
        failing++;
        if (failing === 1) throw Object.assign(new Error(), { code: 'EIO' });
        await systemDisk.fsync(descriptor);
      },
    };
    const { spool: made, folder } = await testSpool();
    const { spool } = await testSpool({ folder, disk, fsync: true });
    await expect(spool.accept(hello, draftFor('bob'))).rejects.toMatchObject({
      exit: 75,
      text: expect.stringContaining('the disk reports an error (EIO)'),
    });
    expect(failing).toBe(3);
    expect([await made.ids(), readdirSync(join(folder, 'message'))]).toEqual([[], []]);
  });

  test('uses a bounded number of descriptors, however many are accepted at once', async () => {
    const { disk } = traced();
    let [open, most] = [0, 0];
    const counting: Disk = {
      ...disk,
      open(path, how) {
        open++;
        most = Math.max(most, open);
        return disk.open(path, how);
      },
      close(descriptor) {
        open--;
        disk.close(descriptor);
      },
    };
    const { spool } = await testSpool({ disk: counting, fsync: true });
    await Promise.all(Array.from({ length: 300 }, () => spool.accept(hello, draftFor('bob'))));
    expect((await spool.ids()).length).toBe(300);
    expect([open, most < 140]).toEqual([0, true]);
  });
});

describe('ids(), entries() and sweep()', () => {
  test('ignore what is not theirs: other names, folders, links, FIFOs', async () => {
    const { spool, folder } = await testSpool();
    const { id } = await spool.accept(hello, draftFor('bob'));
    const entry = (name: string) => join(folder, 'entry', name);
    for (const name of ['.hidden', 'README', `${id}.json~`, `.${id}.json`, 'x.json']) writeFileSync(entry(name), '{}');
    mkdirSync(entry('0aaaaaaaaaaaaaa.json'));
    symlinkSync(`${id}.json`, entry('0bbbbbbbbbbbbbb.json'));
    execFileSync('mkfifo', [entry('0cccccccccccccc.json')]);
    writeFileSync(join(folder, 'tmp', 'notes.txt'), '');
    mkdirSync(join(folder, 'message', '0dddddddddddddd'));
    const entries = [];
    for await (const one of spool.entries()) entries.push(one.id);
    expect(entries).toEqual([id]);
    expect(await spool.sweep(-1000)).toEqual({ messages: 0, temporary: 0, claims: 0 });
    expect(existsSync(join(folder, 'tmp', 'notes.txt'))).toBe(true);
  });

  test('sweep() takes leftovers that are old and nobody living works on', async () => {
    const { spool, folder } = await testSpool();
    const { id } = await spool.accept(hello, draftFor('bob'));
    const old = (path: string) => {
      writeFileSync(join(folder, path), 'x');
      const time = Date.now() / 1000 - 7200;
      utimesSync(join(folder, path), time, time);
    };
    old('message/0aaaaaaaaaaaaaa');
    old('message/0bbbbbbbbbbbbbb');
    writeFileSync(join(folder, 'message/0cccccccccccccc'), 'young');
    old(`tmp/${id}.abcdef`);
    old('tmp/0bbbbbbbbbbbbbb.abcdef');
    const [owner = ''] = readdirSync(join(folder, 'claim')).filter((name) => name.startsWith('owner.'));
    linkSync(join(folder, 'claim', owner), join(folder, 'claim', '0bbbbbbbbbbbbbb'));
    const { spool: other } = await testSpool({ folder });
    expect(await other.sweep()).toEqual({ messages: 1, temporary: 1, claims: 0 });
    expect(readdirSync(join(folder, 'message')).sort()).toEqual(['0bbbbbbbbbbbbbb', '0cccccccccccccc', id].sort());
    expect(readdirSync(join(folder, 'tmp'))).toEqual(['0bbbbbbbbbbbbbb.abcdef']);
  });

  test('sweep() breaks claims of the dead', async () => {
    const { folder } = await testSpool();
    const { spool: gone } = await testSpool({ folder, process: dead });
    const { id } = await gone.accept(hello, draftFor('bob'));
    await gone.claim(id);
    await gone.acquire('runner');
    const { spool } = await testSpool({ folder });
    expect(await spool.sweep()).toEqual({ messages: 0, temporary: 0, claims: 2 });
    expect(await spool.claim(id)).toBeDefined();
    expect(await spool.acquire('runner')).toBeDefined();
  });
});

describe('acquire()', () => {
  test('is a claim of a name, and takes no path for one', async () => {
    const { spool } = await testSpool();
    const lock = (await spool.acquire('runner'))!;
    expect([lock.id, await spool.acquire('runner')]).toEqual(['runner', undefined]);
    await lock.release();
    expect(await spool.acquire('runner')).toBeDefined();
    for (const name of ['', '../x', 'a/b', 'a.b', 'x'.repeat(41)]) {
      await expect(spool.acquire(name)).rejects.toThrow('Cannot acquire');
    }
  });
});

describe('isAcquired()', () => {
  test('tells a living owner from none and a dead one, and changes nothing', async () => {
    const { spool, folder } = await testSpool();
    expect(await spool.isAcquired('runner')).toBe(false);
    const lock = await spool.acquire('runner');
    const { spool: other } = await testSpool({ folder });
    expect([await other.isAcquired('runner'), await spool.isAcquired('runner')]).toEqual([true, true]);
    await lock?.release();
    expect(await other.isAcquired('runner')).toBe(false);
    writeFileSync(join(folder, 'claim/lock.runner'), `${formatOwner(dead)}.dead`);
    expect([await spool.isAcquired('runner'), existsSync(join(folder, 'claim/lock.runner'))]).toEqual([false, true]);
    await expect(spool.isAcquired('../x')).rejects.toThrow('Cannot acquire');
  });
});

describe('openSpool()', () => {
  test('makes files for us alone, whatever the umask', async () => {
    for (const mask of [0o000, 0o077, 0o177]) {
      const before = process.umask(mask);
      try {
        const { spool, folder } = await testSpool({ folder: join(scratchFolder(), 'spool') });
        const { id } = await spool.accept(hello, draftFor('bob'));
        const mode = (path: string) => (statSync(join(folder, path)).mode & 0o777).toString(8);
        expect({ mask, modes: [mode('.'), mode('entry'), mode(`message/${id}`), mode(`entry/${id}.json`)] }).toEqual({
          mask,
          modes: ['700', '700', '600', '600'],
        });
      } finally {
        process.umask(before);
      }
    }
  });
});

describe('newQueueId()', () => {
  test('gives ids of one form that sort by time and tell it', () => {
    const times = [0, 1, 1_700_000_000_000, 1_700_000_000_001, 36 ** 9 + 5];
    const ids = times.map((time) => newQueueId(time));
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every(isQueueId)).toBe(true);
    expect(ids.slice(0, 4).map(timeOfId)).toEqual(times.slice(0, 4));
    expect(newQueueId(0, () => 0)).toBe('0'.repeat(15));
    expect(newQueueId(0, () => 1 - Number.EPSILON / 2)).toBe('000000000zzzzzz');
    expect(new Set(Array.from({ length: 1000 }, () => newQueueId(7))).size).toBe(1000);
    for (const text of ['', '../../../../abc', 'ABCDEFGHIJKLMNO', 'abcdefghijklmno\n', 'abcdefghijklmn.']) {
      expect(isQueueId(text)).toBe(false);
    }
  });
});
