import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { run } from '../support/run.ts';
import { type Keyring, openKeyring } from './servers/keyring.ts';
import { type NpmServer, PASSWORD, startNpmServer, USER } from './servers/smtp-server.ts';

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));

let folder = '';
let authority: Authority;
let server: NpmServer;
let keyring: Keyring;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-keyring-'));
  authority = createAuthority();
  writeFileSync(join(folder, 'ca.pem'), authority.ca);
  server = await startNpmServer(authority.issue({ names: ['IP:127.0.0.1', 'DNS:localhost'] }));
  keyring = await openKeyring();
});
afterAll(async () => {
  await keyring?.close();
  await server?.stop();
  authority?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends through the server, by one of its names. */
const send = (host: string) => {
  const relay = `smtp+starttls://${encodeURIComponent(USER)}@${host}:${server.port}`;
  const env = {
    PATH: `${keyring.programs}:${process.env.PATH}`,
    HOME: folder,
    POSTHASTE_STATE: folder,
    DBUS_SESSION_BUS_ADDRESS: keyring.bus,
  };
  const words = ['--no-queue', '--relay', relay, '--tls-ca', join(folder, 'ca.pem'), '-f', USER, 'bob@example.org'];
  return run(POSTHASTE, words, { env, stdin: 'Subject: hi\n\nhello\n' });
};

describe('GNOME’s keyring', () => {
  test('has the password by our own attributes', async () => {
    await keyring.store(['service', 'posthaste', 'server', '127.0.0.1', 'user', USER], PASSWORD);
    expect(await send('127.0.0.1')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(server.logins.at(-1)).toMatch(/ right$/);
    await server.mailbox.take();
  });

  test('has the password as msmtp puts it there', async () => {
    const before = server.logins.length;
    const without = await send('localhost');
    expect([without.status, without.stderr]).toEqual([78, expect.stringMatching(/there is no password/)]);
    expect(server.logins.length).toBe(before);
    await keyring.store(['host', 'localhost', 'service', 'smtp', 'user', USER], PASSWORD);
    expect(await send('localhost')).toEqual({ status: 0, stdout: '', stderr: '' });
    await server.mailbox.take();
  });

  test('gives nothing where it is locked and nobody is there to open it', async () => {
    await keyring.lock();
    const before = server.logins.length;
    const { status, stderr } = await send('127.0.0.1');
    expect([status, stderr]).toEqual([78, expect.stringMatching(/there is no password: give --password-file/)]);
    expect(stderr).not.toContain(PASSWORD);
    expect(server.logins.length).toBe(before);
  });
});
