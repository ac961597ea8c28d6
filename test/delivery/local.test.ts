import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LocalTarget } from '../../src/config/via.ts';
import { deliverLocally } from '../../src/delivery/local.ts';
import { systemLocalDisk } from '../../src/delivery/local-disk.ts';
import { localWorld, systemError } from '../support/local.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { scratchFolder } from '../support/spool.ts';

const bob = { address: { local: 'bob', domain: 'example.org' } };
const eve = { address: { local: 'eve b', domain: 'example.org' } };
const letter = {
  message: messageOf(HELLO),
  envelope: { sender: { local: 'ann', domain: 'example.net' }, recipients: [bob, eve] },
  recipients: [bob, eve],
};
const one = { ...letter, recipients: [bob] };
const TOP = 'Return-Path: <ann@example.net>\nDelivered-To: bob@example.org\n';

const broken = (reason: string) => ({
  ...one,
  message: {
    ...one.message,
    body: {
      size: 10,
      async *chunks() {
        yield Buffer.from('half');
        throw new Error(reason);
      },
    },
  },
});

describe('deliverLocally() into a Maildir', () => {
  const maildir = (): Extract<LocalTarget, { path: string }> => ({
    kind: 'maildir',
    path: join(scratchFolder(), 'home', 'Maildir'),
  });

  test('makes the folders at need and puts one whole file for each recipient into new', async () => {
    const target = maildir();
    const results = await deliverLocally(target, letter, localWorld({ hostname: 'a/b:c' }));
    expect(results).toMatchObject([
      { outcome: 'delivered', recipient: bob, final: true, reply: { code: 250, status: '2.0.0' } },
      { outcome: 'delivered', recipient: eve, peer: { host: `maildir:${target.path}` } },
    ]);
    const names = readdirSync(`${target.path}/new`);
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^1793613600\.M123000P42Q\d+\.a\\057b\\072c$/);
    const texts = names.map((name) => readFileSync(`${target.path}/new/${name}`, 'utf8')).sort();
    expect(texts).toEqual([
      'Return-Path: <ann@example.net>\nDelivered-To: "eve b"@example.org\nSubject: hi\n\nhello\n',
      `${TOP}Subject: hi\n\nhello\n`,
    ]);
    expect(readdirSync(`${target.path}/tmp`)).toEqual([]);
    expect(existsSync(`${target.path}/cur`)).toBe(true);
    expect(statSync(target.path).mode & 0o777).toBe(0o700);
    expect(statSync(`${target.path}/new/${names[0]}`).mode & 0o777).toBe(0o600);
  });

  test('waits for the disk before it is visible, and for the folder before it is told', async () => {
    const target = maildir();
    const trace: string[] = [];
    const open = new Map<number, string>();
    const results = await deliverLocally(
      target,
      one,
      localWorld({
        open(path, how) {
          const descriptor = systemLocalDisk.open(path, how);
          open.set(descriptor, path.replace(target.path, '').replace(/\/\d.*/, '/FILE'));
          return descriptor;
        },
        async fsync(descriptor) {
          trace.push(`fsync ${open.get(descriptor)}`);
        },
        link(from, to) {
          systemLocalDisk.link(from, to);
          trace.push('link');
        },
      }),
    );
    expect(results[0]?.outcome).toBe('delivered');
    expect(trace.slice(-3)).toEqual(['fsync /tmp/FILE', 'link', 'fsync /new']);
  });

  test('renames where the disk has no links', async () => {
    const target = maildir();
    const link = () => {
      throw systemError('EPERM');
    };
    const [result] = await deliverLocally(target, one, localWorld({ link }));
    expect(result?.outcome).toBe('delivered');
    expect(readdirSync(`${target.path}/new`)).toHaveLength(1);
    expect(readdirSync(`${target.path}/tmp`)).toHaveLength(0);
  });

  test.each([
    ['write', 'ENOSPC', 'deferred', '4.3.1'],
    ['write', 'EDQUOT', 'deferred', '4.2.2'],
    ['fsync', 'EIO', 'deferred', '4.3.0'],
    ['link', 'EEXIST', 'deferred', '4.3.0'],
    ['mkdir', 'EACCES', 'deferred', '4.3.0'],
    ['mkdir', 'EROFS', 'deferred', '4.3.0'],
    ['open', 'ENAMETOOLONG', 'failed', '5.3.5'],
  ] as const)(
    'tells a %s that ends with %s as %s (%s), and leaves nothing',
    async (operation, code, outcome, status) => {
      const target = maildir();
      const fail = () => {
        throw systemError(code);
      };
      const fault = { [operation]: operation === 'fsync' ? () => Promise.reject(systemError(code)) : fail };
      const [result] = await deliverLocally(target, one, localWorld(fault));
      expect(result).toMatchObject({ outcome, failure: { status, scope: 'host', host: `maildir:${target.path}` } });
      for (const folder of ['tmp', 'new']) {
        const path = `${target.path}/${folder}`;
        expect(existsSync(path) ? readdirSync(path) : []).toEqual([]);
      }
    },
  );

  test('takes back what may not last', async () => {
    const target = maildir();
    let links = 0;
    const [result] = await deliverLocally(
      target,
      one,
      localWorld({
        link(from, to) {
          links += 1;
          systemLocalDisk.link(from, to);
        },
        fsync: () => (links === 0 ? Promise.resolve() : Promise.reject(systemError('EIO'))),
      }),
    );
    expect(result?.outcome).toBe('deferred');
    expect([links, readdirSync(`${target.path}/new`)]).toEqual([1, []]);
  });

  test('tells a message that can not be read as such, and leaves nothing', async () => {
    const target = maildir();
    const [result] = await deliverLocally(target, broken('the file was changed'), localWorld());
    expect(result).toMatchObject({
      outcome: 'deferred',
      failure: { scope: 'message', stage: 'body', text: 'Cannot read the message: the file was changed' },
    });
    expect(readdirSync(`${target.path}/tmp`)).toEqual([]);
  });

  test('fails for good where a file is in its place', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'Maildir'), '');
    const [result] = await deliverLocally({ kind: 'maildir', path: join(folder, 'Maildir') }, one, localWorld());
    expect(result).toMatchObject({ outcome: 'failed', failure: { permanent: true, status: '5.3.5' } });
  });

  test('stops for a signal, before or in the middle', async () => {
    const target = maildir();
    const stop = new AbortController();
    const message = {
      ...one.message,
      body: {
        size: 8,
        async *chunks() {
          yield Buffer.from('half');
          stop.abort();
          yield Buffer.from('more');
        },
      },
    };
    const results = await deliverLocally(target, { ...letter, message }, localWorld(), stop.signal);
    expect(results).toMatchObject([
      { outcome: 'deferred', failure: { status: '4.3.2' } },
      { outcome: 'deferred', failure: { status: '4.3.2' } },
    ]);
    expect(readdirSync(`${target.path}/tmp`)).toEqual([]);
  });

  test('rejects for a bug', async () => {
    const now = () => {
      throw new TypeError('a bug');
    };
    await expect(deliverLocally(maildir(), one, { ...localWorld(), now })).rejects.toThrow('a bug');
  });
});

describe('deliverLocally() as root', () => {
  const rootDisk = { uid: () => 0 };
  const owned = (whose: (path: string) => number, mode = 0o755) => ({
    ...rootDisk,
    lstat: (path: string) => ({ ...systemLocalDisk.lstat(path), uid: whose(path), mode }),
  });

  test('does not follow where somebody else could lead it', async () => {
    const path = join(scratchFolder(), 'home', 'Maildir');
    mkdirSync(path, { recursive: true });
    const disk = owned((each) => (each.endsWith('/home') ? 1000 : 0));
    const [result] = await deliverLocally({ kind: 'maildir', path }, one, localWorld(disk));
    expect(result).toMatchObject({ outcome: 'deferred', failure: { status: '4.3.0' } });
    expect(readdirSync(path)).toEqual([]);
  });

  test('does not write into what is open to everybody', async () => {
    const path = join(scratchFolder(), 'inbox');
    const [result] = await deliverLocally({ kind: 'mbox', path }, one, localWorld(owned(() => 0, 0o777)));
    expect(result).toMatchObject({ outcome: 'deferred', failure: { text: expect.stringContaining('everybody') } });
    expect(existsSync(path)).toBe(false);
  });

  test('delivers where all is its own', async () => {
    const path = join(scratchFolder(), 'Maildir');
    const [result] = await deliverLocally({ kind: 'maildir', path }, one, localWorld(owned(() => 0)));
    expect(result?.outcome).toBe('delivered');
  });

  test('refuses a link of somebody else to a folder of its own', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'Maildir'));
    const disk = owned((each) => (each.endsWith('/Maildir') ? 1000 : 0));
    const [result] = await deliverLocally({ kind: 'maildir', path: join(folder, 'Maildir') }, one, localWorld(disk));
    expect(result?.outcome).toBe('deferred');
    expect(readdirSync(join(folder, 'real'))).toEqual([]);
  });
});

describe('deliverLocally() elsewhere', () => {
  test('captures into files: the bytes of the wire, the envelope beside them', async () => {
    const folder = join(scratchFolder(), 'outbox');
    const eight = { ...letter, message: messageOf('Subject: hi\n\n.dot\nend') };
    const results = await deliverLocally({ kind: 'file', folder }, eight, localWorld());
    expect(results.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
    const [eml = '', json = '', ...more] = readdirSync(folder).sort();
    expect(more).toEqual([]);
    expect(eml).toMatch(/^2026-11-02T100000123Z-[0-9a-z]{8}\.eml$/);
    expect(json).toBe(eml.replace('.eml', '.json'));
    expect(readFileSync(join(folder, eml), 'latin1')).toBe('Subject: hi\r\n\r\n.dot\r\nend\r\n');
    expect(JSON.parse(readFileSync(join(folder, json), 'utf8'))).toEqual({
      time: '2026-11-02T10:00:00.123Z',
      sender: 'ann@example.net',
      recipients: [{ address: 'bob@example.org' }, { address: '"eve b"@example.org' }],
    });
  });

  test('leaves no file where one can not be captured', async () => {
    const folder = join(scratchFolder(), 'outbox');
    const results = await deliverLocally({ kind: 'file', folder }, broken('gone'), localWorld());
    expect(results).toMatchObject([{ outcome: 'deferred', failure: { scope: 'message' } }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('captures nothing that may not last', async () => {
    const folder = join(scratchFolder(), 'outbox');
    const folders = new Set<number>();
    const [result] = await deliverLocally(
      { kind: 'file', folder },
      one,
      localWorld({
        open(path, how) {
          const descriptor = systemLocalDisk.open(path, how);
          if (how === 'folder' && path === folder) folders.add(descriptor);
          return descriptor;
        },
        fsync: (descriptor) => (folders.has(descriptor) ? Promise.reject(systemError('EIO')) : Promise.resolve()),
      }),
    );
    expect(result?.outcome).toBe('deferred');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('discards, and says so', async () => {
    const results = await deliverLocally({ kind: 'discard' }, letter, localWorld());
    expect(results).toMatchObject([
      {
        outcome: 'delivered',
        final: true,
        peer: { host: 'discard' },
        reply: { lines: [expect.stringContaining('discarded')] },
      },
      { outcome: 'delivered', recipient: eve },
    ]);
  });

  test('rejects with the words of the configuration', async () => {
    const results = await deliverLocally({ kind: 'reject', text: 'no such user here' }, letter, localWorld());
    expect(results).toMatchObject([
      { outcome: 'failed', failure: { status: '5.7.1', text: 'no such user here', permanent: true } },
      { outcome: 'failed' },
    ]);
  });
});
