import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Disk, systemDisk } from '../../src/queue/disk.ts';
import { isDrop, putIntoDrop } from '../../src/queue/drop-put.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { faultyDisk, systemError } from '../crash/fault-disk.ts';
import { type DropScene, dropScene, headFor, isRoot, ME, namesOf } from '../support/drop.ts';
import { messageOf } from '../support/message.ts';
import { testSpool } from '../support/spool.ts';

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
/** Root's tests give a file to another user; anybody else's is his own. */
const OWNER = isRoot ? 12_345 : ME;

describe('makeDrop()', () => {
  test('makes a drop that others put into and see nothing of, in a spool that they only pass', async () => {
    const { folder } = await dropScene();
    expect([folder, `${folder}/drop`, `${folder}/taken`, `${folder}/message`].map(mode)).toEqual([
      ...['711', '1733', '700', '700'],
    ]);
  });

  test('leaves a spool without a drop closed, and one with a drop passable, whatever it was', async () => {
    const closed = await testSpool();
    chmodSync(closed.folder, 0o711);
    await testSpool({ folder: closed.folder });
    const scene = await dropScene();
    chmodSync(scene.folder, 0o700);
    await scene.open();
    expect([mode(closed.folder), mode(scene.folder)]).toEqual(['700', '711']);
  });

  test.each([
    ['is not sticky', (path: string) => chmodSync(path, 0o733), 'not sticky'],
    ['is a link', (path: string) => symlinkSync('/tmp', path), 'symbolic link'],
    ['is a file', (path: string) => writeFileSync(path, ''), 'no folder'],
  ])('a drop that %s is refused', async (what, make, reason) => {
    const { drop, open } = await dropScene();
    if (what !== 'is not sticky') rmSync(drop, { recursive: true });
    make(drop);
    await expect(open()).rejects.toThrow(reason);
  });

  test('an administrator may close a drop to all but a group', async () => {
    const { drop, open } = await dropScene();
    chmodSync(drop, 0o1730);
    await open();
    expect(mode(drop)).toBe('1730');
  });
});

describe('isDrop()', () => {
  test('is true for a sticky folder of the owner that is asked for', async () => {
    const { drop, folder } = await dropScene();
    expect([isDrop(systemDisk, drop, ME), isDrop(systemDisk, drop, undefined)]).toEqual([true, true]);
    expect([isDrop(systemDisk, drop, ME + 1), isDrop(systemDisk, folder, ME)]).toEqual([false, false]);
    expect(isDrop(systemDisk, join(folder, 'none'), undefined)).toBe(false);
  });
});

describe('takeIn()', () => {
  test('takes a message in for the owner of its file, with the name of the file as its id', async () => {
    const scene = await dropScene();
    const { id, size } = await scene.put(headFor('bob', 'eve'));
    chownSync(join(scene.drop, id), OWNER, OWNER);
    expect(await scene.take()).toBe(1);
    const [entry] = await scene.entries();
    expect(entry).toMatchObject({ id, uid: OWNER, way: {}, message: { facts: { size: expect.any(Number) } } });
    expect(entry?.held).toBeUndefined();
    expect(entry && namesOf(entry)).toEqual(['bob@example.org', 'eve@example.org']);
    expect(size).toBe(Buffer.from('Subject: hi\r\n\r\nhello\r\n').length);
    expect(readFileSync(join(scene.folder, 'message', id), 'latin1')).toMatch(
      /^Subject: hi\r\n[\s\S]*\r\n\r\nhello\r\n$/,
    );
    expect([scene.names('drop'), scene.names('taken'), scene.events]).toEqual([[], [], []]);
    expect(await scene.take()).toBe(0);
  });

  test('what a spool without a drop has is nothing', async () => {
    const scene = await dropScene();
    rmSync(scene.drop, { recursive: true });
    expect(await scene.take()).toBe(0);
  });

  test('a message of several megabytes is taken in whole', async () => {
    const scene = await dropScene();
    const text = `Subject: big\n\n${'0123456789'.repeat(7).concat('\n').repeat(50_000)}`;
    const { id } = await scene.put(headFor('bob'), messageOf(text));
    await scene.take({ size: 100_000_000 });
    const kept = readFileSync(join(scene.folder, 'message', id), 'latin1');
    expect(kept.endsWith(text.replaceAll('\n', '\r\n').slice('Subject: big'.length))).toBe(true);
  });

  const SECRET = 'root:secret\n';
  const HOSTILE: readonly (readonly [string, string, (path: string, scene: DropScene) => void])[] = [
    ['a symbolic link', 'symbolic link', (path, { folder }) => symlinkSync(join(folder, '../secret'), path)],
    ['a link that leads nowhere', 'symbolic link', (path) => symlinkSync('/nowhere', path)],
    ['a second name of a file', 'several names', (path, { folder }) => linkSync(join(folder, '../secret'), path)],
    ['a FIFO', 'no regular file', (path) => void spawnSync('mkfifo', [path])],
    ['a folder', 'folder', (path) => mkdirSync(path)],
    [
      'a file that is too large',
      'larger than',
      (path) => {
        writeFileSync(path, 'posthaste-drop 1\n{"sender":"a","recipients":[{"to":"b@c.example"}]}\n');
        truncateSync(path, 40_000_000);
      },
    ],
    [
      'a file of 2 GB that is a hole',
      'larger than',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 31);
      },
    ],
    [
      'a message that is a little too large',
      'larger than',
      (path) =>
        writeFileSync(
          path,
          `posthaste-drop 1\n{"sender":"a","recipients":[{"to":"b@c.example"}]}\n${'x'.repeat(100_001)}`,
        ),
    ],
    ['nothing', 'no file of a drop', (path) => writeFileSync(path, '')],
    ['a file without an envelope', 'no file of a drop', (path) => writeFileSync(path, 'From: ann\n\nhello\n')],
    [
      'a header beyond all bounds',
      'Cannot',
      (path) =>
        writeFileSync(
          path,
          `posthaste-drop 1\n{"sender":"a","recipients":[{"to":"b@c.example"}]}\nX: ${'x'.repeat(2 ** 25)}`,
        ),
    ],
  ];
  test.each(HOSTILE)('%s is told once with its owner, and never looked at again', async (what, reason, make) => {
    const scene = await dropScene();
    writeFileSync(join(scene.folder, '../secret'), SECRET);
    const path = join(scene.drop, '0mwsabcdefghijk');
    make(path, scene);
    await scene.put();
    const size = what.startsWith('a header') ? { size: 100_000_000 } : {};
    expect(await scene.take(size)).toBe(1);
    expect(scene.events).toEqual([
      {
        event: 'refused',
        time: expect.any(Number),
        id: '0mwsabcdefghijk',
        uid: ME,
        files: 1,
        reason: expect.stringContaining(reason),
      },
    ]);
    expect(scene.names('drop')).toEqual([]);
    expect(await scene.take(size)).toBe(0);
    expect([scene.events.length, (await scene.entries()).length]).toEqual([1, 1]);
    expect(readFileSync(join(scene.folder, '../secret'), 'utf8')).toBe(SECRET);
    expect(lstatSync(join(scene.folder, '../secret')).nlink).toBe(1);
  });

  test('what is malformed is kept for a person, and what is hostile is not', async () => {
    const scene = await dropScene();
    writeFileSync(join(scene.drop, '0mwsabcdefghijk'), 'garbage');
    symlinkSync('/etc/passwd', join(scene.drop, '0mwsabcdefghijl'));
    await scene.take();
    expect(scene.names('damaged')).toEqual(['0mwsabcdefghijk.drop']);
  });

  test('a folder that is not empty stays, and keeps nobody waiting', async () => {
    const scene = await dropScene();
    mkdirSync(join(scene.drop, '0mwsabcdefghijk/inside'), { recursive: true });
    await scene.put();
    expect(await scene.take()).toBe(1);
    expect(scene.names('drop')).toEqual(['0mwsabcdefghijk']);
  });

  test('a hundred files of one user make one line in the log', async () => {
    const scene = await dropScene();
    for (let at = 100; at < 200; at++) writeFileSync(join(scene.drop, `0mwsabcdefgh${at}`), `garbage ${at}`);
    await scene.take();
    expect(scene.events).toMatchObject([{ event: 'refused', files: 100, uid: ME }]);
  });

  test('what is unfinished is left alone while it is young', async () => {
    const scene = await dropScene();
    const [young, old, odd] = ['.0mwsabcdefghijk', '.0mwsabcdefghijl', 'core'].map((name) => join(scene.drop, name));
    for (const path of [young, old, odd]) writeFileSync(path ?? '', '');
    for (const path of [old, odd]) utimesSync(path ?? '', 1, 1);
    expect(await scene.take()).toBe(0);
    expect([young, old, odd].map((path) => existsSync(path ?? ''))).toEqual([true, false, false]);
    expect(scene.events).toMatchObject([{ event: 'refused', id: 'core' }]);
  });

  test('of one user so many wait, and the others stay in the drop until there is room', async () => {
    const scene = await dropScene();
    for (let at = 0; at < 5; at++) await scene.put();
    const { id } = await scene.put();
    if (isRoot) chownSync(join(scene.drop, id), OWNER, OWNER);
    expect(await scene.take({ messages: 2 })).toBe(isRoot ? 3 : 2);
    expect(scene.events).toMatchObject([{ event: 'waiting', uid: ME, files: isRoot ? 3 : 4 }]);
    expect(await scene.take({ messages: 2 })).toBe(0);
    const spool = await scene.open();
    for (const entry of (await scene.entries()).filter(({ uid }) => uid === ME)) {
      const claim = await spool.claim(entry.id);
      if (claim !== undefined) await spool.remove(claim).finally(() => claim.release());
    }
    expect(await scene.take({ messages: 2 })).toBe(2);
  });

  test('a name that another entry has becomes another one', async () => {
    const scene = await dropScene();
    const { id } = await scene.put();
    await scene.take();
    const other = await scene.put();
    renameSync(join(scene.drop, other.id), join(scene.drop, id));
    expect([await scene.take(), await scene.take()]).toEqual([0, 1]);
    expect(await scene.entries()).toHaveLength(2);
  });

  test('two that take in at the same time take each message once', async () => {
    const scene = await dropScene();
    for (let at = 0; at < 20; at++) await scene.put();
    await Promise.all([scene.take(), scene.take(), scene.take()]);
    expect(await scene.entries()).toHaveLength(20);
    expect(scene.names('drop')).toEqual([]);
  });

  /** Does something once, before the operation that is named. */
  function disturbed(name: 'open' | 'fstat' | 'read' | 'rename', act: (path: string) => void, at = 1): Disk {
    let count = 0;
    let path = '';
    const maybe = (word: string): void => {
      if (word === name && path !== '' && ++count === at) act(path);
    };
    return {
      ...systemDisk,
      open(file, how) {
        if (file.includes('/drop/')) path = file;
        if (file === path) maybe('open');
        return systemDisk.open(file, how);
      },
      fstat(descriptor) {
        maybe('fstat');
        return systemDisk.fstat(descriptor);
      },
      read(descriptor, octets) {
        maybe('read');
        return systemDisk.read(descriptor, octets);
      },
      rename(from, to) {
        if (from === path) maybe('rename');
        systemDisk.rename(from, to);
      },
    };
  }
  const swapped = (make: (path: string) => void) => (path: string) => {
    rmSync(path);
    make(path);
  };
  const toLink = swapped((path) => symlinkSync('/etc/passwd', path));
  test.each([
    ['open', 'a link', toLink, 0],
    ['open', 'a FIFO', swapped((path) => void spawnSync('mkfifo', [path])), 0],
    ['open', 'nothing', (path: string) => rmSync(path), 0],
    ['fstat', 'a link', toLink, 0],
    ['read', 'a link', toLink, 1],
    ['rename', 'a link', toLink, 1],
    ['rename', 'a folder', swapped((path) => mkdirSync(path)), 1],
    ['rename', 'nothing', (path: string) => rmSync(path), 1],
  ] as const)('what is swapped before %s for %s is what was looked at, or nothing', async (name, _, act, taken) => {
    const scene = await dropScene();
    await scene.put();
    expect(await scene.take({ disk: disturbed(name, act) })).toBe(taken);
    await scene.take();
    const entries = await scene.entries();
    expect(entries.map(namesOf)).toEqual(taken === 1 ? [['bob@example.org']] : []);
    expect(entries.every(({ held }) => held === undefined)).toBe(true);
    expect(scene.names('drop')).toEqual([]);
    expect(readFileSync('/etc/passwd', 'utf8').length).toBeGreaterThan(0);
  });

  test('what is written to while it is read is taken in as it was copied', async () => {
    const scene = await dropScene();
    const { id } = await scene.put(headFor('bob'), messageOf(`Subject: hi\n\n${'first\n'.repeat(10)}`));
    const act = (path: string): void => writeFileSync(path, 'posthaste-drop 1\n{}\n');
    await scene.take({ disk: disturbed('read', act, 2) });
    const [entry] = await scene.entries();
    expect(entry?.id).toBe(id);
    const spool = await scene.open();
    if (entry !== undefined) await spool.verify(entry);
    expect(readFileSync(join(scene.folder, 'message', id), 'latin1')).toContain('first\r\n'.repeat(10));
  });

  test('a crash after any operation, and another turn, leave one message that is not held', async () => {
    const dead = { ...currentOwner(), pid: 2 ** 22 + 1 };
    for (let at = 1; ; at++) {
      const scene = await dropScene();
      await scene.put();
      const { disk, hit } = faultyDisk(systemDisk, { at, act: 'end' }, () => {
        throw new Error('ended');
      });
      await scene.take({ disk, process: dead }).catch(() => 0);
      await scene.take();
      const entries = await scene.entries();
      const kept = { names: [...scene.names('drop'), ...scene.names('taken')], held: entries.map(({ held }) => held) };
      expect({ at, ...kept }).toEqual({ at, names: [], held: [undefined] });
      if (hit() === undefined) break;
      expect(at).toBeLessThan(500);
    }
  });

  test('after a crash nothing comes twice, where the message was delivered meanwhile', async () => {
    const scene = await dropScene();
    const { id } = await scene.put();
    // It ends when the file is in `taken`, and the entry is released.
    const unlink = (path: string): void => {
      if (path.includes('/taken/')) throw systemError('EIO');
      systemDisk.unlink(path);
    };
    await scene.take({ disk: { ...systemDisk, unlink } });
    expect(scene.names('taken')).toEqual([id]);
    const spool = await scene.open();
    const claim = await spool.claim(id);
    if (claim !== undefined) await spool.remove(claim).finally(() => claim.release());
    expect([await scene.take(), await scene.entries(), scene.names('taken')]).toEqual([0, [], []]);
  });

  test.each(['ENOSPC', 'EIO', 'EMFILE'])('where the disk says %s nothing is refused and nothing lost', async (code) => {
    for (let at = 1; ; at++) {
      const scene = await dropScene();
      await scene.put();
      const { disk, hit } = faultyDisk(systemDisk, { at, act: code }, () => {
        throw new Error('ended');
      });
      await scene.take({ disk }).catch(() => 0);
      await scene.take();
      const entries = await scene.entries();
      const seen = { events: scene.events, left: scene.names('drop'), held: entries.map(({ held }) => held) };
      expect({ at, ...seen }).toEqual({ at, events: [], left: [], held: [undefined] });
      if (hit() === undefined) break;
      expect(at).toBeLessThan(500);
    }
  });
});

describe('putIntoDrop()', () => {
  test('leaves nothing where an operation fails, and is told', async () => {
    const scene = await dropScene();
    for (let at = 1; ; at++) {
      const { disk, hit } = faultyDisk(systemDisk, { at, act: 'ENOSPC' }, () => {
        throw new Error('ended');
      });
      const place = { disk, folder: scene.drop, fsync: true, now: Date.now };
      const put = putIntoDrop(place, headFor('bob'), messageOf('Subject: hi\n\n'));
      const failed = await put.then(
        () => false,
        () => true,
      );
      if (hit() === undefined) break;
      // What was taken away meanwhile was taken in, and what only fails to close is there.
      expect({ hit: hit(), failed, left: readdirSync(scene.drop).length }).toEqual(
        hit() === 'close' ? { hit: 'close', failed: false, left: 1 } : { hit: hit(), failed: true, left: 0 },
      );
      for (const name of readdirSync(scene.drop)) rmSync(join(scene.drop, name));
    }
  });

  test('says that all is well where the message was taken in before the last fsync failed', async () => {
    const scene = await dropScene();
    let count = 0;
    const fsync = async (): Promise<void> => {
      if (++count < 2) return;
      await scene.take();
      throw systemError('EIO');
    };
    const place = { disk: { ...systemDisk, fsync }, folder: scene.drop, fsync: true, now: Date.now };
    const { id } = await putIntoDrop(place, headFor('bob'), messageOf('Subject: hi\n\n'));
    expect((await scene.entries()).map((entry) => entry.id)).toEqual([id]);
  });
});
