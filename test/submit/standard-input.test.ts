import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

describe('intake() of standard input', () => {
  it('leaves out dots where that is asked for', () => {
    const dots = { ignoreDots: false };
    const of = (text: string, options: object = { dots }) =>
      inShell(`printf '${text}' | $CHILD`, ask('intake', options));
    const text = (words: string): object => facts(Buffer.from(words), true);
    expect(of('a\\n..b\\n.\\n')).toEqual(text('a\n.b\n'));
    expect(of('a\\n.\\nb\\n')).toEqual(text('a\n.\nb\n'));
    expect(of('a\\n.\\nb\\n', { dots: { ...dots, loneDot: 'classic' } })).toEqual(text('a\n'));
    expect(of('a\\n.\\n', { dots: { ...dots, loneDot: 'ignore' } })).toEqual(text('a\n.\n'));
    expect(of('a\\n.\\n', { dots: { ignoreDots: true, loneDot: 'classic' } })).toEqual(text('a\n.\n'));
    expect(of('a\\n.\\n', {})).toEqual(text('a\n.\n'));
  });

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
      kind: 'cantcreate',
      text: 'Cannot read message: no file can be made for it in the folder for temporary files: no such file or directory',
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
