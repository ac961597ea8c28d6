import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { head, type Source, section } from '../../src/message/source.ts';
import { IntakeError, type IntakeKind, intake } from '../../src/submit/intake.ts';

const LARGE = 2_500_000;
const large = Buffer.alloc(LARGE, 'The quick brown fox jumps over the lazy dog.\n');
const small = Buffer.from('Subject: hi\n\nhello\n');

let folder: string;
let number = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-intake-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: Buffer): string {
  const path = join(folder, `message-${number++}`);
  writeFileSync(path, bytes);
  return path;
}

async function bytesOf(source: Source): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of source.chunks()) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

async function bad(options: { file: string; maxSize?: number }, kind: IntakeKind, why: string): Promise<void> {
  const error = await intake(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(IntakeError);
  expect(error).toMatchObject({ kind, message: `Cannot read message: ${why}` });
}

describe('intake() of a file', () => {
  it('keeps a small one in memory', async () => {
    for (const bytes of [Buffer.alloc(0), small, large.subarray(0, 1_048_576)]) {
      const source = await intake({ file: file(bytes) });
      expect(source.size).toBe(bytes.length);
      expect(source.bytes?.equals(bytes)).toBe(true);
    }
  });

  it('reads a large one where it lies, as often as asked', async () => {
    const source = await intake({ file: file(large) });
    expect(source).toMatchObject({ size: LARGE });
    expect(source.bytes).toBeUndefined();
    for (let pass = 0; pass < 2; pass++) expect((await bytesOf(source)).equals(large)).toBe(true);
    source.close?.();
    await expect(bytesOf(source)).rejects.toThrow('EBADF');
  });

  it('gives the head and a section of a large one', async () => {
    const source = await intake({ file: file(large) });
    expect((await head(source, 700_000)).equals(large.subarray(0, 700_000))).toBe(true);
    expect(await head(source, 2 * LARGE)).toHaveLength(LARGE);
    for (const offset of [0, 1, 262_143, 262_144, 262_145, LARGE - 1, LARGE]) {
      const body = section(source, offset);
      expect(body.size).toBe(LARGE - offset);
      expect((await bytesOf(body)).equals(large.subarray(offset))).toBe(true);
    }
    source.close?.();
  });

  it('does not mind that a large one is renamed, replaced or unlinked', async () => {
    const path = file(large);
    const source = await intake({ file: path });
    renameSync(file(small), path);
    unlinkSync(path);
    expect((await bytesOf(source)).equals(large)).toBe(true);
    source.close?.();
  });

  const changed = 'Cannot read message: the file was changed while it was being sent';
  it.each<[string, (path: string) => void]>([
    ['longer', (path) => appendFileSync(path, 'x')],
    ['shorter', (path) => truncateSync(path, LARGE - 1)],
    ['empty', (path) => truncateSync(path, 0)],
    ['touched', (path) => utimesSync(path, 1, 1)],
  ])('makes chunks() throw when a large one is %s between passes', async (_, change) => {
    const path = file(large);
    const source = await intake({ file: path });
    await bytesOf(source);
    change(path);
    await expect(bytesOf(source)).rejects.toThrow(changed);
    source.close?.();
  });

  it('makes chunks() throw when a large one is changed in the middle of a pass', async () => {
    for (const change of [(path: string) => truncateSync(path, 300_000), (path: string) => utimesSync(path, 1, 1)]) {
      const path = file(large);
      const source = await intake({ file: path });
      const chunks = source.chunks()[Symbol.asyncIterator]();
      await chunks.next();
      change(path);
      const rest = async () => {
        while ((await chunks.next()).done !== true);
      };
      await expect(rest()).rejects.toThrow(changed);
      source.close?.();
    }
  });

  it('refuses one that is missing, a directory or no path at all', async () => {
    const missing = join(folder, 'missing');
    await bad({ file: missing }, 'noinput', `"${missing}": no such file or directory`);
    await bad({ file: folder }, 'noinput', `"${folder}" is a directory`);
    const under = `${file(small)}/x`;
    await bad({ file: under }, 'noinput', `"${under}": not a directory`);
    await bad({ file: '' }, 'noinput', '"": no such file or directory');
    await expect(intake({ file: 'a\0b' })).rejects.toMatchObject({ kind: 'noinput' });
  });

  it.skipIf(process.getuid?.() === 0)('refuses one that may not be read', async () => {
    const path = file(small);
    execFileSync('chmod', ['000', path]);
    await bad({ file: path }, 'noinput', `"${path}": permission denied`);
  });

  it('refuses one that is larger than the limit, and only that', async () => {
    for (const bytes of [small, large]) {
      const path = file(bytes);
      await bad(
        { file: path, maxSize: bytes.length - 1 },
        'toolarge',
        `"${path}" has more than ${bytes.length - 1} octets`,
      );
      for (const maxSize of [bytes.length, 0]) {
        const source = await intake({ file: path, maxSize });
        expect(source.size).toBe(bytes.length);
        source.close?.();
      }
    }
  });

  it('leaves no descriptor open but that of a large source', async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    await intake({ file: file(small) });
    await intake({ file: folder }).catch(() => undefined);
    await intake({ file: file(large), maxSize: 5 }).catch(() => undefined);
    expect(open()).toBe(before);
    const source = await intake({ file: file(large) });
    expect(open()).toBe(before + 1);
    source.close?.();
    expect(open()).toBe(before);
  });
});
