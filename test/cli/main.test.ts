import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';
import { REFUSED, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';

/* The built command, as it is installed: what only the real process can show. `npm ci` and `npm run build` make it. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'From: me@example.org\nSubject: hi\n\nhello\n';
const folder = mkdtempSync(join(tmpdir(), 'posthaste-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const to = (port: number): readonly string[] => ['--relay', `smtp://127.0.0.1:${port}`, '--tls', 'none'];
const shell = (script: string) => run('/bin/bash', ['-c', script, POSTHASTE], { stdin: MESSAGE });

/** A server that says nothing until it is told to. */
async function silentServer(): Promise<{ server: Server; port: number; connected: Promise<Socket> }> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const connected = once(server, 'connection').then(([socket]) => socket as Socket);
  return { server, port: address.port, connected };
}

function start(program: string, words: readonly string[]) {
  const child = spawn(program, words, { stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(MESSAGE);
  const ended = once(child, 'close').then(([code, signal]) => ({ status: code ?? signal, stderr }));
  return { child, ended };
}

describe('posthaste', () => {
  it('delivers from standard input and from a file, and is silent', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org' });
    const file = join(folder, 'message');
    writeFileSync(file, `To: bob@example.org\n${MESSAGE}`);
    const silent = { status: 0, stdout: '', stderr: '' };
    expect(await run(POSTHASTE, [...to(mx.port), 'ann@example.org'], { stdin: MESSAGE })).toEqual(silent);
    expect(await run(POSTHASTE, [...to(mx.port), '--file', file, '-t'])).toEqual(silent);
    await mx.close();
    expect(mx.messages.map(({ recipients }) => recipients)).toEqual([['ann@example.org'], ['bob@example.org']]);
    expect(mx.messages[0]?.bytes.toString()).toMatch(/\r\n\r\nhello\r\n$/);
  });

  it('takes a certificate and its key from files, and refuses a file that has none', async () => {
    const cert = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    writeFileSync(cert, TEST_CERTIFICATE);
    writeFileSync(key, TEST_KEY);
    const words = [...to(25), '--dry-run', '--tls-ca', cert, '--tls-cert', cert, 'ann@example.org'];
    expect(await run(POSTHASTE, [...words, '--tls-key', key], { stdin: MESSAGE })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(await run(POSTHASTE, [...words, '--tls-key', cert], { stdin: MESSAGE })).toEqual({
      status: 78,
      stdout: '',
      stderr: `posthaste: Cannot use key "${cert}": it has no private key in PEM\n`,
    });
  });

  it('tells of a refused recipient on standard error, in JSON and in the log, and sends to the other', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org', recipients: { 'bob@example.org': REFUSED } });
    const log = join(folder, 'log');
    const words = [...to(mx.port), '--json', '--log', log, 'ann@example.org,bob@example.org'];
    const { status, stdout, stderr } = await run(POSTHASTE, words, { stdin: MESSAGE });
    await mx.close();
    expect(status).toBe(67);
    expect(stderr).toMatch(
      /^posthaste: bob@example\.org: failed \(5\.1\.1\): 127\.0\.0\.1: .*: 550 5\.1\.1 No such user here\n$/,
    );
    expect(JSON.parse(stdout)).toMatchObject({
      exit: 67,
      recipients: [
        { outcome: 'delivered', queueId: expect.any(String), tls: null },
        { outcome: 'failed', code: 550 },
      ],
    });
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['attempt', 'result', 'result']);
  });

  it('reads standard input to its end when the command line is wrong', async () => {
    const child = spawn(POSTHASTE, ['--nonsense'], { stdio: 'pipe' });
    const broken: unknown[] = [];
    child.stdin.on('error', (error) => broken.push(error));
    child.stdin.end(Buffer.alloc(4_000_000, 'x\n'));
    const [code] = await once(child, 'close');
    expect([code, broken]).toEqual([64, []]);
  });

  it('says why when the message can’t be opened', async () => {
    const { status, stderr } = await run(POSTHASTE, ['--file', join(folder, 'none'), 'ann@example.org']);
    expect(status).toBe(66);
    expect(stderr).toMatch(/^posthaste: Cannot read message: .*no such file or directory\n$/);
  });

  it('gives its status when nobody reads what it prints', async () => {
    expect((await shell('"$0" --help | true; exit "$PIPESTATUS"')).status).toBe(0);
    expect((await shell('"$0" --nonsense 2>&1 | true; exit "$PIPESTATUS"')).status).toBe(64);
  });

  it('gives its status when standard output and error are closed', async () => {
    expect((await shell('"$0" --json --nonsense >&- 2>&-')).status).toBe(64);
    expect((await shell('"$0" --version >/dev/full')).status).toBe(0);
  });

  it('needs nothing of the environment', async () => {
    const { status, stderr } = await run('/usr/bin/env', ['-i', POSTHASTE, '--file', '/nonexistent', 'ann'], {
      env: {},
    });
    expect([status, stderr]).toEqual([66, expect.stringContaining('no such file')]);
  });

  const root = fileURLToPath(new URL('../..', import.meta.url));
  it.each([
    ['.', 'bin/posthaste'],
    ['.', './bin/posthaste'],
    ['bin', './posthaste'],
    ['bin', 'sh posthaste'],
    ['test', '../bin/posthaste'],
    ['/', POSTHASTE],
  ])('called in %s as %s it finds itself, and says where it is', async (where, name) => {
    const script = `cd ${where === '/' ? '/' : join(root, where)} && ${name} install --user --print`;
    const { stdout } = await run('/bin/sh', ['-c', script]);
    expect(stdout).toContain(`${POSTHASTE} queue run`);
  });

  it('reports what is deferred when a signal ends it', async () => {
    const { server, port, connected } = await silentServer();
    const { child, ended } = start(POSTHASTE, [...to(port), '--retry-for', '1h', 'ann@example.org']);
    const socket = await connected;
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    expect(status).toBe(75);
    expect(stderr).toMatch(/^posthaste: ann@example\.org: deferred \(4\.\d\.\d\): .*\n$/);
    socket.destroy();
    server.close();
  });

  it.each(['SIGHUP', 'SIGTERM'] as const)('goes on when %s comes that its caller ignores', async (signal) => {
    const { server, port, connected } = await silentServer();
    const ignoring = ['-c', `trap '' ${signal.slice(3)}; exec "$0" "$@"`, POSTHASTE];
    const { child, ended } = start('/bin/sh', [...ignoring, ...to(port), '--no-queue', 'ann@example.org']);
    const socket = await connected;
    child.kill(signal);
    socket.end('554 5.3.2 not today\r\n');
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([75, expect.stringContaining('not today')]);
    server.close();
  });
});
