import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { run } from '../support/run.ts';
import { blockAfter, replaced } from './readme.ts';
import { type NpmServer, PASSWORD, startNpmServer } from './servers/smtp-server.ts';

/*
 * The Dockerfile of the README, line by line without Docker: COPY and RUN with a prefix in the place of the system's
 * folders, then the entry point as the user without a name, in the environment of ENV and no other. The server wants
 * STARTTLS and a login.
 */

const dockerfile = blockAfter('**Docker**');
const lines = (word: string): readonly string[] =>
  [...dockerfile.matchAll(new RegExp(`^${word} (.*)$`, 'gm'))].map(([, rest = '']) => rest);

let folder = '';
let authority: Authority;
let server: NpmServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-container-'));
  chmodSync(folder, 0o755);
  authority = createAuthority();
  server = await startNpmServer(authority.issue({ names: ['DNS:localhost'] }), { authOptional: false });
  for (const path of ['tmp', 'sbin', 'context']) mkdirSync(join(folder, path));
  const words = ['pack', '--ignore-scripts', '--pack-destination', join(folder, 'context')];
  expect(await run('npm', words)).toMatchObject({ status: 0 });
  for (const line of lines('COPY')) {
    const [name = '', to = ''] = line.split(' ');
    copyFileSync(join(folder, 'context', name), join(folder, to, name));
  }
  const here = { ' /tmp/': ` ${folder}/tmp/`, '/usr/sbin/': `${folder}/sbin/` };
  const env = {
    PATH: `${folder}/bin:${process.env.PATH}`,
    HOME: folder,
    npm_config_prefix: folder,
    npm_config_offline: 'true',
  };
  for (const line of lines('RUN')) {
    expect(await run('sh', ['-c', replaced(line, here)], { env, cwd: folder })).toMatchObject({ status: 0 });
  }
});
afterAll(async () => {
  await server?.stop();
  authority?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** ENV, with this server's name and port, and the secret as it is mounted. */
function environment(): Readonly<Record<string, string>> {
  const secret = join(folder, 'secret');
  const ca = join(folder, 'ca.pem');
  writeFileSync(secret, PASSWORD, { mode: 0o444 });
  writeFileSync(ca, authority.ca);
  const pairs = lines('ENV').flatMap((line) => line.split(' '));
  const text = replaced(pairs.join('\n'), {
    'smtp.example.org': `localhost:${server.port}`,
    '/run/secrets/smtp': secret,
  });
  const named = text.split('\n').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return { ...Object.fromEntries(named), POSTHASTE_TLS_CA: ca, PATH: `${folder}/bin:/usr/local/bin:/usr/bin:/bin` };
}

const uidOf = (): number => Number(lines('USER')[0]);

/** As the user of the image, who has no name, no home and no folder to write to. */
const inside = (words: readonly string[], stdin: string) => {
  const uid = uidOf();
  return run('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...words], {
    env: environment(),
    stdin,
    cwd: '/',
  });
};

test('the entry point sends, or says why not by its status', async () => {
  const [program = '', ...words] = JSON.parse(lines('ENTRYPOINT')[0] ?? '') as string[];
  const entry = [join(folder, 'bin', program), ...words];
  expect(await inside([...entry, 'bob@example.com'], 'Subject: alert\n\nl1\n.\n')).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
  const [mail] = await server.mailbox.take();
  expect(server.envelopes[0]).toMatchObject({
    mailFrom: { address: 'ann@example.org' },
    rcptTo: [{ address: 'bob@example.com' }],
  });
  expect(mail?.toString()).toMatch(/^From: .*ann@example\.org>?\r$/m);
  expect(mail?.toString()).toMatch(/\r\n\r\nl1\r\n\.\r\n$/);
  expect(server.logins.at(-1)).toMatch(/ right$/);
  const refused = await inside([...entry, 'nouser@example.com'], 'Subject: alert\n\nhi\n');
  expect([refused.status, refused.stderr]).toEqual([67, expect.stringContaining('No such user')]);
});

test('a program in the image finds sendmail, which waits where it can store nothing', async () => {
  const sendmail = join(folder, 'sbin/sendmail');
  expect(await inside([sendmail, '-t', '-i'], 'To: bob@example.com\nSubject: by sendmail\n\nl1\n.\n')).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
  const [mail] = await server.mailbox.take();
  expect(mail?.toString()).toMatch(/^Subject: by sendmail\r$/m);
});
