import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileSource } from '../../src/message/file-source.ts';
import { head, memorySource, type Source, section } from '../../src/message/source.ts';

const bytes = Buffer.from('0123456789abcdefghij');

/** Chunks of three octets in one memory, as a file gives them. */
function reused(): Source & { closed: number } {
  const source = {
    closed: 0,
    size: bytes.length,
    async *chunks() {
      const memory = Buffer.alloc(3);
      for (let at = 0; at < bytes.length; at += 3) yield memory.subarray(0, bytes.copy(memory, 0, at, at + 3));
    },
    close: () => {
      source.closed++;
    },
  };
  return source;
}

async function textOf(source: Source): Promise<string> {
  let text = '';
  for await (const chunk of source.chunks()) {
    expect(chunk.length).toBeGreaterThan(0);
    text += chunk.toString();
  }
  return text;
}

describe('source', () => {
  it('memorySource() gives its bytes as often as asked, and no chunk when there are none', async () => {
    const source = memorySource(bytes);
    for (let pass = 0; pass < 2; pass++) expect(await textOf(source)).toBe(bytes.toString());
    expect(await textOf(memorySource(Buffer.alloc(0)))).toBe('');
  });

  it('section() gives what follows any offset', async () => {
    for (const source of [memorySource(bytes), reused()]) {
      for (let offset = 0; offset <= bytes.length + 1; offset++) {
        const part = section(source, offset);
        expect(part.size).toBe(Math.max(0, bytes.length - offset));
        for (let pass = 0; pass < 2; pass++) expect(await textOf(part)).toBe(bytes.toString('latin1', offset));
      }
    }
  });

  it('section() gives sections of sections, and keeps memory in memory', async () => {
    expect(section(section(memorySource(bytes), 5), 5).bytes?.toString()).toBe('abcdefghij');
    expect(await textOf(section(section(reused(), 5), 5))).toBe('abcdefghij');
  });

  it('section() closes its source', () => {
    const source = reused();
    section(source, 5).close?.();
    expect(source.closed).toBe(1);
  });

  it('head() gives the first octets, and fewer only where there are no more', async () => {
    for (const source of [memorySource(bytes), reused()]) {
      for (let octets = 0; octets <= bytes.length + 3; octets++) {
        expect((await head(source, octets)).toString()).toBe(bytes.toString('latin1', 0, octets));
      }
    }
  });
});

describe('fileSource', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthaste-source-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('fileSource() gives a part of a file, whatever else reads it', async () => {
    const path = join(folder, 'part');
    writeFileSync(path, bytes);
    const source = fileSource({ descriptor: openSync(path, 'r'), offset: 3, size: 10 });
    expect(await textOf(source)).toBe('3456789abc');
    expect(await textOf(source)).toBe('3456789abc');
    source.close?.();
    const none = fileSource({ descriptor: openSync(path, 'r'), offset: 3, size: 0 });
    expect(await textOf(none)).toBe('');
    none.close?.();
  });

  it('fileSource() throws when the file is shorter than the part, or not open', async () => {
    const path = join(folder, 'short');
    writeFileSync(path, bytes);
    const descriptor = openSync(path, 'r+');
    await expect(textOf(fileSource({ descriptor, offset: 15, size: 10 }))).rejects.toThrow('the file was changed');
    const source = fileSource({ descriptor, offset: 0, size: 20 });
    ftruncateSync(descriptor, 4);
    await expect(textOf(source)).rejects.toThrow('Cannot read message: the file was changed while it was being sent');
    closeSync(descriptor);
    expect(() => fileSource({ descriptor: 987_654, offset: 0, size: 1 })).toThrow('EBADF');
  });
});
