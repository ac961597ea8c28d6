import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deliverLocally } from '../../src/delivery/local.ts';
import { systemLocalDisk } from '../../src/delivery/local-disk.ts';
import { localWorld, MONDAY, systemError } from '../support/local.ts';
import { messageOf } from '../support/message.ts';
import { scratchFolder } from '../support/spool.ts';

const bob = { address: { local: 'bob', domain: 'example.org' } };
const letter = {
  message: messageOf('Subject: hi\n\nFrom here\nto there\n'),
  envelope: { sender: { local: 'a nn', domain: 'example.net' }, recipients: [bob] },
  recipients: [bob],
};
const FIRST = [
  'From "a-nn"@example.net Mon Nov  2 10:00:00 2026',
  'Return-Path: <"a nn"@example.net>',
  'Delivered-To: bob@example.org',
  'Subject: hi',
  '',
  '>From here',
  'to there',
  '',
  '',
].join('\n');

const mbox = () => ({ kind: 'mbox', path: join(scratchFolder(), 'inbox') }) as const;
const read = ({ path }: { readonly path: string }) => readFileSync(path, 'utf8');

describe('deliverLocally() into an mbox', () => {
  test('appends, with a From_ line and quotes', async () => {
    const target = mbox();
    const [first] = await deliverLocally(target, letter, localWorld());
    expect(first).toMatchObject({ outcome: 'delivered', final: true, peer: { host: `mbox:${target.path}` } });
    expect(read(target)).toBe(FIRST);
    expect(statSync(target.path).mode & 0o777).toBe(0o600);
    await deliverLocally(target, { ...letter, envelope: { ...letter.envelope, sender: null } }, localWorld());
    expect(read(target).slice(FIRST.length)).toMatch(
      /^From MAILER-DAEMON Mon Nov {2}2 10:00:00 2026\nReturn-Path: <>\n/,
    );
    expect(readdirSync(join(target.path, '..'))).toEqual(['inbox']);
  });

  test.each(['x\n', 'x', 'x\n\n'])('puts a blank line behind a file that ends with %j', async (before) => {
    const target = mbox();
    writeFileSync(target.path, before);
    await deliverLocally(target, letter, localWorld());
    expect(read(target)).toBe(`x\n\n${FIRST}`);
  });

  test('cuts the file back where it can not be written to its end', async () => {
    const target = mbox();
    writeFileSync(target.path, 'before\n\n');
    let writes = 0;
    const write = (descriptor: number, bytes: Buffer) => {
      writes += 1;
      if (writes === 5) {
        systemLocalDisk.write(descriptor, bytes.subarray(0, 3));
        throw systemError('ENOSPC');
      }
      systemLocalDisk.write(descriptor, bytes);
    };
    const [result] = await deliverLocally(target, letter, localWorld({ write }));
    expect(result).toMatchObject({ outcome: 'deferred', failure: { status: '4.3.1' } });
    expect(read(target)).toBe('before\n\n');
    expect(readdirSync(join(target.path, '..'))).toEqual(['inbox']);
  });

  test('keeps two deliveries at once apart', async () => {
    const target = mbox();
    const slow = {
      ...letter,
      message: {
        ...letter.message,
        body: {
          size: 4,
          async *chunks() {
            yield Buffer.from('sl');
            for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
            yield Buffer.from('ow');
          },
        },
      },
    };
    // A disk that is busy would take longer than they wait in this world.
    const world = localWorld({ fsync: async () => {} });
    const results = await Promise.all([1, 2, 3].map(() => deliverLocally(target, slow, world)));
    expect(results.flat().map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(world.waits()).toBeGreaterThan(0);
    expect(
      read(target)
        .split(/^From .*\n/m)
        .slice(1)
        .every((each) => each.endsWith('\n\nslow\n\n')),
    ).toBe(true);
    expect(read(target).match(/^From /gm)).toHaveLength(3);
  });

  test('waits for a lock, but not for ever', async () => {
    const target = mbox();
    const lock = `${target.path}.lock`;
    writeFileSync(lock, '');
    utimesSync(lock, MONDAY / 1000, MONDAY / 1000);
    const world = localWorld();
    const [result] = await deliverLocally(target, letter, world);
    expect(result).toMatchObject({ outcome: 'deferred', failure: { status: '4.2.0', permanent: false } });
    expect(world.waits()).toBe(300);
    expect(existsSync(target.path)).toBe(false);
    expect(readdirSync(join(target.path, '..'))).toEqual(['inbox.lock']);
  });

  test('breaks a lock that is 15 minutes old', async () => {
    const target = mbox();
    const lock = `${target.path}.lock`;
    writeFileSync(lock, '');
    utimesSync(lock, MONDAY / 1000 - 900, MONDAY / 1000 - 900);
    const [result] = await deliverLocally(target, letter, localWorld());
    expect(result?.outcome).toBe('delivered');
    expect(readdirSync(join(target.path, '..'))).toEqual(['inbox']);
  });

  test('gives back a lock that somebody took while an old one was looked at', async () => {
    const target = mbox();
    const lock = `${target.path}.lock`;
    writeFileSync(lock, 'old');
    utimesSync(lock, MONDAY / 1000 - 900, MONDAY / 1000 - 900);
    let renames = 0;
    const rename = (from: string, to: string) => {
      if (renames++ === 0) {
        systemLocalDisk.unlink(from);
        // The old inode stays in use, so that the new lock has another one.
        writeFileSync(from, 'new');
        utimesSync(from, MONDAY / 1000, MONDAY / 1000);
      }
      systemLocalDisk.rename(from, to);
    };
    linkSync(lock, `${lock}.kept`);
    const [result] = await deliverLocally(target, letter, localWorld({ rename }));
    expect(result).toMatchObject({ outcome: 'deferred', failure: { status: '4.2.0' } });
    expect(readFileSync(lock, 'utf8')).toBe('new');
  });

  test('stops waiting for a lock when it is told to end', async () => {
    const target = mbox();
    writeFileSync(`${target.path}.lock`, '');
    utimesSync(`${target.path}.lock`, MONDAY / 1000, MONDAY / 1000);
    const stop = new AbortController();
    const world = localWorld();
    const sleep = async () => stop.abort();
    const [result] = await deliverLocally(target, letter, { ...world, sleep }, stop.signal);
    expect(result).toMatchObject({ outcome: 'deferred', failure: { status: '4.3.2' } });
  });

  test('refuses what is no mailbox', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'one'), '');
    linkSync(join(folder, 'one'), join(folder, 'two'));
    for (const path of [join(folder, 'folder'), join(folder, 'one'), '/dev/null', join(folder, 'one', 'below')]) {
      const [result] = await deliverLocally({ kind: 'mbox', path }, letter, localWorld());
      expect(result, path).toMatchObject({ outcome: 'failed', failure: { status: '5.3.5' } });
    }
    expect(statSync(join(folder, 'one')).size).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['folder', 'one', 'two']);
  });
});
