import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { run } from '../support/run.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

/* A password goes to the server, and nowhere else: not even where the server repeats it. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'posthaste-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSWORD = 'open sesame ünd so weiter';
const PLAIN = Buffer.from(`\0ann\0${PASSWORD}`).toString('base64');

const HELLO = ['S: 220 mx.test ESMTP', 'C: EHLO …', 'S: 250-mx.test', 'S: 250 AUTH PLAIN LOGIN'];
const REFUSED = [
  ...HELLO,
  `C: AUTH PLAIN ${PLAIN}`,
  `S: 535 5.7.8 ${PLAIN} is wrong, ${PASSWORD}`,
  'C: QUIT',
  'S: 221 bye',
];

it.each(['the environment', 'a command', 'netrc'])(
  'a password from %s is nowhere to be seen when the login is refused',
  async (from) => {
    const server = await startScriptedServer([REFUSED.join('\n')]);
    const log = join(folder, from);
    const where =
      from === 'a command' ? ['--password-command', `sh -c 'printf "%s\\n" "$SECRET_OF_TEST"; echo more'`] : [];
    const variable = from === 'a command' ? 'SECRET_OF_TEST' : 'POSTHASTE_PASSWORD';
    const relay = ['--relay', `smtp://ann@127.0.0.1:${server.port}`, '--tls', 'none', '--auth', 'plain'];
    const words = [...relay, ...where, '-vv', '--json', '--log', log, '--retry-for', '1h', 'bob@example.org'];
    const home = { HOME: folder, POSTHASTE_STATE: folder };
    writeFileSync(join(folder, '.netrc'), `machine 127.0.0.1 login ann password "${PASSWORD}"\n`, { mode: 0o600 });
    const given = from === 'netrc' ? {} : { [variable]: PASSWORD };
    const env = { PATH: process.env.PATH ?? '', ...home, ...given };
    const { status, stdout, stderr } = await run(POSTHASTE, words, { stdin: 'Subject: hi\n\nhello\n', env });
    await server.close();
    expect(status).toBe(77);
    expect(stderr).toContain('C: AUTH PLAIN <secret>\n');
    expect(JSON.parse(stdout)).toMatchObject({ exit: 77, recipients: [{ code: 535, stage: 'auth', attempts: 1 }] });
    const everything = stdout + stderr + readFileSync(log, 'utf8');
    for (const secret of [PASSWORD, 'sesame', PLAIN, Buffer.from(PASSWORD).toString('base64')]) {
      expect(everything).not.toContain(secret);
    }
  },
);

/** Runs a command on a terminal of its own, and types when it asks. */
async function onTerminal(words: readonly string[], typed: string) {
  const command = [POSTHASTE, ...words].map((word) => `'${word}'`).join(' ');
  const env = { PATH: process.env.PATH ?? '', HOME: folder, POSTHASTE_STATE: folder };
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!shown.includes(': ') && (shown + text).includes(': ')) child.stdin.write(typed);
    shown += text;
  });
  const [status] = await once(child, 'close');
  return { status, shown };
}

it('asks for a password on the terminal with --ask-password, and does not show it', async () => {
  const accepted = [
    ...HELLO,
    `C: AUTH PLAIN ${PLAIN}`,
    ...['S: 235 2.7.0 ok', 'C: MAIL …', 'S: 250 ok', 'C: RCPT …', 'S: 250 ok', 'C: DATA', 'S: 354 go', 'C: <message>'],
    ...['S: 250 2.0.0 ok', 'C: QUIT', 'S: 221 bye'],
  ];
  const server = await startScriptedServer([accepted.join('\n')]);
  const file = join(folder, 'message');
  writeFileSync(file, 'Subject: hi\n\nhello\n');
  const relay = ['--relay', `smtp://ann@127.0.0.1:${server.port}`, '--tls', 'none', '--auth', 'plain'];
  const { status, shown } = await onTerminal(
    [...relay, '--no-queue', '--ask-password', '--file', file, 'bob@example.org'],
    `x\x15${PASSWORD}y\x7f\r`,
  );
  await server.close();
  expect([status, shown.replace(/\r\n/g, '\n')]).toEqual([0, `Password of ann at smtp://127.0.0.1:${server.port}: \n`]);
});

it.each([
  ['\x03', 'nothing was entered'],
  ['\r', 'nothing was entered'],
])('ends with 77 where %j is all that is entered', async (typed, reason) => {
  const words = ['--relay', 'smtps://ann@127.0.0.1:1', '--ask-password', '--file', '/dev/null', 'bob@example.org'];
  const { status, shown } = await onTerminal(words, typed);
  expect([status, shown]).toEqual([77, expect.stringContaining(`posthaste: Cannot read password: ${reason}\r\n`)]);
});

it('needs a terminal to ask on, and a relay with a user', async () => {
  const words = ['--wait', POSTHASTE, '--ask-password', 'bob@example.org'];
  const away = (more: readonly string[]) =>
    run('setsid', [...words, ...more], { env: { PATH: process.env.PATH ?? '' } });
  expect(await away(['--relay', 'smtps://ann@127.0.0.1:1'])).toMatchObject({
    status: 78,
    stderr: 'posthaste: Cannot read password: there is no terminal to ask on\n',
  });
  expect(await away([])).toMatchObject({
    status: 64,
    stderr: 'posthaste: Cannot use --ask-password: there is no relay with a user, as in smtps://user@host\n',
  });
});
