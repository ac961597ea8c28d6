import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { type NpmServer, PASSWORD, startNpmServer, USER } from './servers/smtp-server.ts';

/* What asks a person is typed at in a real terminal, which `script` of Debian's bsdutils gives it. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const LIMIT_MS = 20_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-terminal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Step = readonly [shown: RegExp, typed: string | (() => void)];

/**
 * Types each text when what is waited for has been shown behind the one before it; `shown` is all that the terminal had.
 * Behind the command, the terminal says its status, and whether it shows what is typed.
 */
function typeAt(
  words: string,
  steps: readonly Step[],
  by = '',
): Promise<{ readonly shown: string; readonly end: string }> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, XDG_CONFIG_HOME: folder, POSTHASTE_STATE: folder };
  // The shell is interrupted together with the command, and has to live on.
  const script = `trap : INT; ${by} ${POSTHASTE} ${words}; echo "status $?"; stty -a | grep -oE -- '-?\\b(echo|icanon)\\b'`;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', script, '/dev/null'], {
      ...{ stdio: 'pipe', cwd: folder, env: { ...env, SHELL: '/bin/sh' }, timeout: LIMIT_MS },
    });
    const left = [...steps];
    let output = '';
    let from = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text.replaceAll('\r', '');
      const [step] = left;
      if (step?.[0].test(output.slice(from)) !== true) return;
      left.shift();
      from = output.length;
      const [, typed] = step;
      if (typeof typed === 'string') child.stdin.write(typed);
      else typed();
    });
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', () => {
      if (left.length > 0) reject(new Error(`Cannot type: ${left[0]?.[0]} was not shown in ${JSON.stringify(output)}`));
      const at = output.lastIndexOf('status ');
      resolve({ shown: output.slice(0, at), end: output.slice(at).trim().split('\n').sort().join(' ') });
    });
  });
}

const AS_BEFORE = (status: number) => `echo icanon status ${status}`;
const file = () => join(folder, 'posthaste', 'config.toml');

describe('config init', () => {
  test('asks, and writes what it is told', async () => {
    writeFileSync(join(folder, 'secret'), 'x\n', { mode: 0o600 });
    const { shown, end } = await typeAt('config init --user', [
      [/^Relay .*: $/, 'smtps://\n'],
      [/^Relay .*: $/m, 'smtps://smtp.example.org\n'],
      [/login.*: $/, 'ann@example.org\n'],
      [/password.*: $/, 'secret\n'],
      [/from.*: $/, 'ann@example.org\n'],
      [/root.*: $/, '\n'],
    ]);
    expect(end).toBe(AS_BEFORE(0));
    expect(shown).toContain(`wrote ${file()}\n`);
    const text = readFileSync(file(), 'utf8');
    expect(text).toMatch(/^relay = "smtps:\/\/ann%40example\.org@smtp\.example\.org"$/m);
    expect(text).toMatch(new RegExp(`^password_file = "${folder}/secret"$`, 'm'));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['Ctrl-C', '\x03', 130],
    ['the end', '\x04', 64],
  ])('leaves nothing behind at %s', async (_, key, status) => {
    const steps: readonly Step[] = [
      [/^Relay .*: $/, 'smtps://smtp.example.org\n'],
      [/login.*: $/, key],
    ];
    const { end } = await typeAt('config init --user', steps);
    expect(end).toBe(AS_BEFORE(status));
    expect(existsSync(file())).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('--ask-password', () => {
  let authority: Authority;
  let server: NpmServer;
  beforeAll(async () => {
    authority = createAuthority();
    server = await startNpmServer(authority.issue({ names: ['IP:127.0.0.1'] }));
  });
  afterAll(async () => {
    await server?.stop();
    authority?.close();
  });

  const words = () => {
    writeFileSync(join(folder, 'ca.pem'), authority.ca);
    writeFileSync(join(folder, 'mail'), 'Subject: hi\n\nhello\n');
    const relay = `smtp+starttls://${encodeURIComponent(USER)}@127.0.0.1:${server.port}`;
    return `-f ann@example.org --ask-password --tls-ca ca.pem --relay ${relay} bob@example.org < mail`;
  };

  test('logs in with what is typed, and shows none of it', async () => {
    // A wrong letter taken back, and a whole line.
    const { shown, end } = await typeAt(words(), [[/: $/, `other\x15${PASSWORD}x\x7f\n`]]);
    expect([end, server.logins.at(-1)]).toEqual([AS_BEFORE(0), expect.stringMatching(/ right$/)]);
    expect(shown).toMatch(/^Password [^\n]*: \n$/);
    await server.mailbox.take();
  });

  test.each([
    ['Ctrl-C', '\x03'],
    ['the end', '\x04'],
    ['nothing', '\n'],
  ])('sends and keeps nothing at %s', async (_, key) => {
    const before = server.logins.length;
    const { shown, end } = await typeAt(words(), [[/: $/, key]]);
    expect(end).toBe(AS_BEFORE(77));
    expect(shown).toMatch(/: \nposthaste: Cannot read password: nothing was entered\n$/);
    expect(server.logins.length).toBe(before);
    expect(existsSync(join(folder, 'spool'))).toBe(false);
  });

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('gives the terminal back at %s', async (signal) => {
    const pid = join(folder, 'pid');
    const { end } = await typeAt(
      words(),
      [[/: $/, () => process.kill(Number(readFileSync(pid, 'utf8')), signal)]],
      `sh -c 'echo $$ > ${pid}; exec "$0" "$@"'`,
    );
    expect(end).toMatch(/^echo icanon status \d+$/);
    expect(end).not.toBe(AS_BEFORE(0));
  });
});
