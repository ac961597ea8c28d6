import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/message/source.ts';
import type { Damage } from '../../src/queue/spool.ts';
import { isQueueId } from '../../src/queue/spool-id.ts';
import { draftFor } from '../support/draft.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { scratchFolder, testSpool } from '../support/spool.ts';

const hello = messageOf(HELLO);
const files = (folder: string) =>
  ['message', 'entry', 'claim', 'tmp', 'failed', 'damaged'].flatMap((room) =>
    readdirSync(join(folder, room))
      .filter((name) => !name.startsWith('owner.'))
      .map((name) => `${room}/${name}`),
  );

describe('accept()', () => {
  test('puts the message as it will be sent and its entry into the spool, readable by us alone', async () => {
    const { spool, folder } = await testSpool({ fsync: true });
    const message = { ...hello, body: memorySource(Buffer.from('one\n.two\rthree')) };
    const entry = await spool.accept(message, { ...draftFor('bob'), messageId: '<1@example.net>' });
    expect(isQueueId(entry.id)).toBe(true);
    expect(files(folder)).toEqual([`message/${entry.id}`, `entry/${entry.id}.json`]);
    const wire = 'Subject: hi\r\n\r\none\r\n.two\r\nthree\r\n';
    expect(readFileSync(join(folder, 'message', entry.id), 'latin1')).toBe(wire);
    expect(entry.message).toMatchObject({ headerSize: 15, messageId: '<1@example.net>', facts: { size: wire.length } });
    expect(await spool.read(entry.id)).toEqual(entry);
    for (const path of files(folder)) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o600);
    for (const path of ['', 'message', 'entry']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o700);
  });

  test('gives the message back byte for byte, small or large', async () => {
    const { spool } = await testSpool();
    for (const size of [0, 10, 1_048_000, 3_000_000]) {
      const body = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(Math.ceil(size / 72)));
      const entry = await spool.accept({ ...hello, body: memorySource(body) }, draftFor('bob'));
      const back = await spool.message(entry);
      const chunks: Buffer[] = [];
      for await (const chunk of back.body.chunks()) chunks.push(Buffer.from(chunk));
      back.body.close?.();
      expect(back.header.equals(hello.header)).toBe(true);
      expect(Buffer.concat(chunks).equals(body)).toBe(true);
      await spool.verify(entry);
    }
  });

  test('gives ids that sort by the time of queueing', async () => {
    let time = 1_700_000_000_000;
    const { spool } = await testSpool({ now: () => time++ });
    const ids = [];
    for (let n = 0; n < 20; n++) ids.push((await spool.accept(hello, draftFor('bob'))).id);
    expect(await spool.ids()).toEqual(ids);
  });

  test('takes another id where one is taken', async () => {
    const numbers = [0.1, 0.5, 0.5, 0.1, 0.5, 0.5, 0.9];
    const { spool } = await testSpool({ now: () => 1_700_000_000_000, random: () => numbers.shift() ?? 0.7 });
    const entries = [await spool.accept(hello, draftFor('a')), await spool.accept(hello, draftFor('b'))];
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(2);
    expect((await spool.ids()).length).toBe(2);
  });

  test('leaves nothing where the message can not be read', async () => {
    const { spool, folder } = await testSpool();
    const body = {
      size: 10,
      // biome-ignore lint/correctness/useYield: it fails before its first chunk
      async *chunks(): AsyncGenerator<Buffer> {
        throw new Error('Cannot read message: gone');
      },
    };
    await expect(spool.accept({ ...hello, body }, draftFor('bob'))).rejects.toThrow('Cannot read message: gone');
    expect(files(folder)).toEqual([]);
  });
});

describe('claim()', () => {
  test('is exclusive within a process, and between two spools on one folder', async () => {
    const { spool, folder } = await testSpool();
    const { spool: other } = await testSpool({ folder });
    const { id } = await spool.accept(hello, draftFor('bob'));
    const claim = await spool.claim(id);
    expect(claim?.entry.id).toBe(id);
    expect(await spool.claim(id)).toBeUndefined();
    expect(await other.claim(id)).toBeUndefined();
    await claim?.release();
    await claim?.release();
    expect(await other.claim(id)).toBeDefined();
  });

  test('of what is no id, or gone, is undefined and leaves nothing', async () => {
    const { spool, folder } = await testSpool();
    for (const id of ['../../etc/passwd', '', 'x', 'abcdefghijklmno', 'ABCDEFGHIJKLMNO', 'abcdefghijklmn\n']) {
      expect(await spool.claim(id)).toBeUndefined();
      expect(await spool.read(id)).toBeUndefined();
    }
    expect(files(folder)).toEqual([]);
  });
});

describe('replace(), remove(), fail()', () => {
  test('change what is there, and only under a claim that is held', async () => {
    const { spool, folder } = await testSpool({ fsync: true });
    const { id } = await spool.accept(hello, draftFor('bob', 'carl'));
    const claim = (await spool.claim(id))!;
    await spool.replace(claim, { ...claim.entry, held: true });
    expect((await spool.read(id))?.held).toBe(true);
    await spool.remove(claim);
    // The message goes a moment later: who removes does not wait for it.
    await expect.poll(() => files(folder)).toEqual([`claim/${id}`]);
    await spool.replace(claim, claim.entry);
    await claim.release();
    expect(files(folder)).toEqual([]);
    await expect(spool.replace(claim, claim.entry)).rejects.toThrow('its claim was released');
  });

  test('replace() does not bring back an entry that somebody deleted', async () => {
    const { spool, folder } = await testSpool();
    const { id } = await spool.accept(hello, draftFor('bob'));
    const claim = (await spool.claim(id))!;
    const { rmSync } = await import('node:fs');
    rmSync(join(folder, 'entry', `${id}.json`));
    await spool.replace(claim, claim.entry);
    expect(await spool.ids()).toEqual([]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  test('fail() keeps entry and message in failed/', async () => {
    const { spool, folder } = await testSpool({ fsync: true });
    const { id } = await spool.accept(hello, draftFor('bob'));
    const claim = (await spool.claim(id))!;
    await spool.fail(claim, claim.entry);
    await claim.release();
    expect(files(folder)).toEqual([`failed/${id}.json`, `failed/${id}.message`]);
  });
});

describe('read()', () => {
  test('moves what is damaged aside and reports it once', async () => {
    const damage: Damage[] = [];
    const { spool, folder } = await testSpool({ onDamage: (one) => damage.push(one) });
    const { id } = await spool.accept(hello, draftFor('bob'));
    writeFileSync(join(folder, 'entry', `${id}.json`), '{"check');
    expect(await spool.read(id)).toBeUndefined();
    expect(await spool.claim(id)).toBeUndefined();
    expect(files(folder)).toEqual([`damaged/${id}.json`, `damaged/${id}.message`]);
    expect(damage).toEqual([{ id, kind: 'damaged', reason: 'its checksum is wrong' }]);
  });

  test('keeps what has another version, and neither reads nor claims it', async () => {
    const damage: Damage[] = [];
    const { spool, folder } = await testSpool({ onDamage: (one) => damage.push(one) });
    const { id } = await spool.accept(hello, draftFor('bob'));
    writeFileSync(join(folder, 'entry', `${id}.json`), '{"version":2,"id":"?"}');
    expect(await spool.read(id)).toBeUndefined();
    expect(await spool.claim(id)).toBeUndefined();
    expect(files(folder)).toEqual([`message/${id}`, `entry/${id}.json`]);
    expect(damage.map((one) => one.kind)).toEqual(['version']);
  });

  test('leaves a damaged entry alone while somebody has it', async () => {
    const { spool, folder } = await testSpool();
    const { id } = await spool.accept(hello, draftFor('bob'));
    const claim = (await spool.claim(id))!;
    writeFileSync(join(folder, 'entry', `${id}.json`), '');
    expect(await spool.read(id)).toBeUndefined();
    await spool.replace(claim, claim.entry);
    expect(await spool.read(id)).toEqual(claim.entry);
  });
});

describe('message()', () => {
  test('refuses a file that was changed, cut or is gone', async () => {
    const { spool, folder } = await testSpool();
    const entry = await spool.accept(hello, draftFor('bob'));
    const path = join(folder, 'message', entry.id);
    const bytes = readFileSync(path);
    const flipped = Buffer.from(bytes);
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    for (const wrong of [flipped, bytes.subarray(1), Buffer.alloc(0), Buffer.concat([bytes, bytes])]) {
      writeFileSync(path, wrong);
      await expect(spool.message(entry)).rejects.toMatchObject({ name: 'DamageError', exit: 75 });
    }
    const claim = (await spool.claim(entry.id))!;
    await spool.setAside(claim, 'its message was changed');
    await expect(spool.message(entry)).rejects.toThrow(`Cannot read message ${entry.id}: its file is missing`);
    expect(existsSync(join(folder, 'damaged', `${entry.id}.message`))).toBe(true);
  });
});

describe('openSpool()', () => {
  test('refuses a link, a file, a folder of somebody else or open to others', async () => {
    const base = scratchFolder();
    mkdirSync(join(base, 'real'));
    symlinkSync('real', join(base, 'link'));
    writeFileSync(join(base, 'file'), '');
    mkdirSync(join(base, 'open'));
    chmodSync(join(base, 'open'), 0o777);
    const refused = async (name: string) =>
      testSpool({ folder: join(base, name) }).then(
        () => 'opened',
        (error) => `${error.exit} ${error.text.replace(base, '')}`,
      );
    expect(await refused('link')).toBe('77 Cannot use spool: it is a symbolic link: "/link"');
    expect(await refused('file')).toBe('77 Cannot use spool: it is no folder: "/file"');
    expect(await refused('open')).toBe('77 Cannot use spool: others may write to it: "/open"');
    expect(await refused('file/spool')).toMatch(/^73 Cannot use spool: something that is no folder is in its place/);
    await expect(testSpool({ folder: 'relative' })).rejects.toMatchObject({ exit: 78 });
    const { systemDisk } = await import('../../src/queue/disk.ts');
    const other = { ...systemDisk, uid: () => 4711 };
    await expect(testSpool({ folder: join(base, 'real'), disk: other })).rejects.toMatchObject({ exit: 77 });
  });

  test('takes permissions from others, and makes folders on the way', async () => {
    const base = scratchFolder();
    mkdirSync(join(base, 'spool'), { mode: 0o755 });
    await testSpool({ folder: join(base, 'spool'), fsync: true });
    expect(statSync(join(base, 'spool')).mode & 0o777).toBe(0o700);
    await testSpool({ folder: join(base, 'a/b/c'), fsync: true });
    expect(statSync(join(base, 'a/b')).mode & 0o777).toBe(0o700);
  });
});
