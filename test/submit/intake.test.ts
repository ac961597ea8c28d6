import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { head, type Source, section } from '../../src/message/source.ts';
import { IntakeError, type IntakeKind, intake } from '../../src/submit/intake.ts';

const LARGE = 2_500_000;
const large = Buffer.alloc(LARGE, 'The quick brown fox jumps over the lazy dog.\n');
const small = Buffer.from('Subject: hi\n\nhello\n');

let folder: string;
let child: string;
let number = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-intake-'));
  child = join(folder, 'child.mjs');
  const bundle = await rolldown({ input: 'test/support/intake-child.ts', platform: 'node', logLevel: 'silent' });
  await bundle.write({ file: child, codeSplitting: false });
  await bundle.close();
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

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const facts = (bytes: Buffer, memory: boolean): object => ({
  size: bytes.length,
  memory,
  passes: [sum(bytes), sum(bytes)],
});

const ask = (call: string, options?: object): string => JSON.stringify([call, options]);
const answer = (output: string): unknown => JSON.parse(output.trim().split('\n').pop() ?? '');

/** What the child says with this open file as its standard input. */
function withDescriptor(descriptor: number, argument: string): unknown {
  const { stdout } = spawnSync(process.execPath, [child, argument], { stdio: [descriptor, 'pipe', 'inherit'] });
  closeSync(descriptor);
  return answer(stdout.toString());
}

/** What the child says in a shell's line, where `$CHILD` is the command. */
function inShell(line: string, argument: string, environment: Record<string, string> = {}): unknown {
  const env = { ...process.env, ...environment, NODE: process.execPath, SCRIPT: child, ARGUMENT: argument };
  const text = line.replaceAll('$CHILD', '"$NODE" "$SCRIPT" "$ARGUMENT"');
  return answer(execFileSync('/bin/sh', ['-c', text], { env, stdio: ['ignore', 'pipe', 'inherit'] }).toString());
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
    await bad({ file: `${child}/x` }, 'noinput', `"${child}/x": not a directory`);
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

describe('intake() of standard input', () => {
  it('reads a pipe to its end, into memory or a file without a name', () => {
    expect(inShell(`cat '${file(small)}' | $CHILD`, ask('intake'))).toEqual(facts(small, true));
    expect(inShell(`cat '${file(large)}' | $CHILD`, ask('intake', { file: '-' }), { TMPDIR: folder })).toEqual(
      facts(large, false),
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('posthaste-'))).toEqual([]);
  });

  it('reads a regular file from where the caller has left it', () => {
    for (const [bytes, offset] of [
      [small, 9],
      [large, 9],
      [large, LARGE - 9],
    ] as const) {
      const descriptor = openSync(file(bytes), 'r');
      readSync(descriptor, Buffer.alloc(offset), 0, offset, null);
      const rest = bytes.subarray(offset);
      expect(withDescriptor(descriptor, ask('intake'))).toEqual(facts(rest, rest.length <= 1_048_576));
    }
  });

  it('reads a file that has no name any more', () => {
    for (const bytes of [small, large]) {
      const path = file(bytes);
      const descriptor = openSync(path, 'r');
      unlinkSync(path);
      expect(withDescriptor(descriptor, ask('intake'))).toEqual(facts(bytes, bytes === small));
    }
  });

  it('reads nothing where it is closed or /dev/null', () => {
    expect(inShell('$CHILD <&-', ask('intake'))).toEqual(facts(Buffer.alloc(0), true));
    expect(inShell('$CHILD </dev/null', ask('intake'))).toEqual(facts(Buffer.alloc(0), true));
  });

  it('refuses a directory and what can not be read', () => {
    expect(withDescriptor(openSync(folder, 'r'), ask('intake'))).toEqual({
      kind: 'noinput',
      text: 'Cannot read message: standard input is a directory',
    });
    expect(inShell(`$CHILD 0>'${join(folder, 'write-only')}'`, ask('intake'))).toMatchObject({ kind: 'noinput' });
  });

  it('fails when there is no room for a large message', () => {
    expect(inShell(`cat '${file(large)}' | $CHILD`, ask('intake then drain'), { TMPDIR: '/nowhere' })).toEqual({
      kind: 'io',
      text: 'Cannot read message: no room for it in the folder for temporary files: no such file or directory',
    });
  });

  it('refuses a pipe with more than the limit, and drain() then reads the rest', () => {
    const status = join(folder, 'status');
    const limited = ask('intake then drain', { maxSize: 100 });
    expect(inShell(`{ cat '${file(large)}'; echo $? >'${status}'; } | $CHILD`, limited)).toEqual({
      kind: 'toolarge',
      text: 'Cannot read message: standard input has more than 100 octets',
    });
    expect(execFileSync('cat', [status]).toString()).toBe('0\n');
  });

  it('reads a pipe that does not wait', async () => {
    // The first process sets the pipe to non-blocking and is killed before it can set it back.
    const unblock = `process.stdin.on('data', () => {}).pause(); process.kill(process.pid, 'SIGKILL')`;
    const line = `"$0" -e "$1"; exec "$0" "$2" "$3"`;
    const shell = spawn('/bin/sh', ['-c', line, process.execPath, unblock, child, ask('intake')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let output = '';
    shell.stdout.on('data', (chunk: Buffer) => {
      if (output === '') shell.stdin.end(large);
      output += chunk.toString();
    });
    await once(shell, 'close');
    expect(answer(output)).toEqual(facts(large, false));
  });
});

describe('drain()', () => {
  it('reads to the end, so that the writer is not broken off', () => {
    const status = join(folder, 'drained');
    expect(inShell(`{ cat '${file(large)}'; echo $? >'${status}'; } | $CHILD`, ask('drain'))).toBe('done');
    expect(execFileSync('cat', [status]).toString()).toBe('0\n');
  });

  it('ends when a writer does not', () => {
    expect(inShell('yes | $CHILD', ask('drain', { octets: 500_000, milliseconds: 60_000 }))).toBe('done');
  });

  it('ends when a writer says nothing for too long', async () => {
    const silent = spawn(process.execPath, [child, ask('drain', { octets: 100, milliseconds: 1 })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [code] = await once(silent, 'exit');
    expect(code).toBe(0);
    silent.stdin.destroy();
  });

  it('reads nothing where nobody writes', () => {
    expect(withDescriptor(openSync(file(large), 'r'), ask('drain'))).toBe('done');
    expect(inShell('$CHILD <&-', ask('drain'))).toBe('done');
  });
});
