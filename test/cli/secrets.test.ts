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
