import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Source } from '../../src/message/source.ts';
import { IN_MEMORY, scratch } from '../../src/submit/scratch.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-scratch-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function bytesOf(source: Source): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of source.chunks()) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

it('scratch() keeps up to 1 MiB in memory', async () => {
  const made = scratch();
  const chunk = Buffer.alloc(IN_MEMORY / 2, 'a');
  made.write(chunk);
  chunk.fill('b');
  made.write(chunk);
  const source = made.finish();
  expect(source.bytes?.equals(Buffer.from('a'.repeat(IN_MEMORY / 2) + 'b'.repeat(IN_MEMORY / 2)))).toBe(true);
  expect(await bytesOf(source)).toHaveLength(IN_MEMORY);
  expect(scratch().finish()).toMatchObject({ size: 0 });
});

it('scratch() keeps more in a file that has no name', async () => {
  const made = scratch();
  const want: Buffer[] = [];
  for (let n = 0; n < 30; n++) {
    const chunk = Buffer.alloc(70_001, String.fromCharCode(97 + n));
    want.push(Buffer.from(chunk));
    made.write(chunk);
  }
  expect(made.size).toBe(30 * 70_001);
  const source = made.finish();
  expect(source.bytes).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  for (let pass = 0; pass < 2; pass++) expect((await bytesOf(source)).equals(Buffer.concat(want))).toBe(true);
  source.close?.();
});

it('scratch() throws with the code of the system when there is no room', () => {
  vi.stubEnv('TMPDIR', join(folder, 'missing'));
  const made = scratch();
  made.write(Buffer.alloc(IN_MEMORY));
  expect(() => made.write(Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  made.discard();
});
