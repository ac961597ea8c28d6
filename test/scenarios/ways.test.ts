import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { run } from '../support/run.ts';
import { startScramSmtp } from '../support/scram-server.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { startSocksServer } from '../support/socks-server.ts';
import { scratchFolder } from '../support/spool.ts';

/* The ways that mail goes by the configuration, with the built command: a mailbox here, a proxy, a login that is bound. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'Subject: hi\n\nFrom here\n';

interface Sent {
  readonly status: number | string;
  readonly stderr: string;
  readonly recipients: readonly { readonly recipient: string; readonly outcome: string; readonly status: string }[];
}

/** A folder with a configuration, and the command that uses it. */
function box(config: (folder: string) => string) {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'posthaste.toml'), config(folder));
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    POSTHASTE_SPOOL: join(folder, 'spool'),
    POSTHASTE_LOG: 'none',
    POSTHASTE_STATE: join(folder, 'state'),
  };
  const send = async (...words: readonly string[]): Promise<Sent> => {
    const all = ['--config', 'posthaste.toml', '--no-queue', '--json', '-f', 'me@example.org', ...words];
    const { status, stdout, stderr } = await run(POSTHASTE, all, { stdin: MESSAGE, env, cwd: folder });
    return { status, stderr, recipients: JSON.parse(stdout).recipients };
  };
  return { folder, send };
}

const outcomes = ({ recipients }: Sent): readonly string[] =>
  recipients.map(({ recipient, outcome, status }) => `${recipient} ${outcome} ${status}`);

describe('a mailbox here', () => {
  it('takes the mail of each recipient, and of no one whose name leads elsewhere', async () => {
    const { folder, send } = box(
      (place) => `
[[route]]
recipient = ["*@maildir.test"]
via = "maildir:${place}/mail/%d/%u"

[[route]]
recipient = ["*@mbox.test"]
via = "mbox:${place}/mbox/%u"

[[route]]
recipient = ["*@file.test"]
via = "file:${place}/outbox"

[[route]]
via = "reject:nobody here"
`,
    );
    const sent = await send(
      ...['Ann@maildir.test', '"../eve"@maildir.test', 'bob@mbox.test', 'cy@file.test', 'dan@file.test', 'x@y.test'],
    );
    expect(outcomes(sent)).toEqual([
      'Ann@maildir.test delivered 2.0.0',
      '"../eve"@maildir.test failed 5.1.1',
      'bob@mbox.test delivered 2.0.0',
      'cy@file.test delivered 2.0.0',
      'dan@file.test delivered 2.0.0',
      'x@y.test failed 5.7.1',
    ]);
    expect(sent.stderr).toContain('x@y.test: failed (5.7.1): nobody here\n');
    const [name = '', ...more] = readdirSync(join(folder, 'mail/maildir.test/ann/new'));
    expect(more).toEqual([]);
    const letter = readFileSync(join(folder, 'mail/maildir.test/ann/new', name), 'latin1');
    expect(letter).toMatch(/^Return-Path: <me@example\.org>\nDelivered-To: Ann@maildir\.test\n/);
    expect(letter).toMatch(/\n\nFrom here\n$/);
    expect(letter).not.toContain('\r');
    expect(readdirSync(join(folder, 'mail'))).toEqual(['maildir.test']);
    expect(readFileSync(join(folder, 'mbox/bob'), 'latin1')).toMatch(
      /^From me@example\.org .*\n[\s\S]*\n\n>From here\n\n$/,
    );
    const files = readdirSync(join(folder, 'outbox')).sort();
    expect(files.map((file) => file.split('.').at(-1))).toEqual(['eml', 'json']);
    const envelope = JSON.parse(readFileSync(join(folder, 'outbox', files[1] ?? ''), 'utf8'));
    expect(envelope.recipients).toEqual([{ address: 'cy@file.test' }, { address: 'dan@file.test' }]);
  });

  it('is an error of the configuration where something else is there', async () => {
    const { folder, send } = box((place) => `relay = "maildir:${place}/mail"\n`);
    writeFileSync(join(folder, 'mail'), '');
    expect(outcomes(await send('bob@example.org'))).toEqual(['bob@example.org failed 5.3.5']);
  });
});

describe('a proxy', () => {
  it('is told the name of the relay, and spoken to from the address that was named', async () => {
    const script = [
      'S: 220 mx\nC: EHLO …\nS: 250 mx\nC: MAIL FROM:<me@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.org>',
      'S: 250 ok\nC: DATA\nS: 354 go\nC: <message>\nS: 250 2.0.0 taken\nC: QUIT\nS: 221 bye',
    ];
    const server = await startScriptedServer([script.join('\n')]);
    onTestFinished(() => server.close());
    const socks = await startSocksServer({ user: 'u', password: 'p w', routes: { 'relay.invalid': server.port } });
    const { send } = box(
      () => `
relay = "smtp://relay.invalid:2525"
proxy = "socks5://u:p%20w@127.0.0.1:${socks.port}"
source_address = ["127.0.0.9", "::1"]
tls.level = "none"
`,
    );
    expect(outcomes(await send('bob@example.org'))).toEqual(['bob@example.org delivered 2.0.0']);
    expect(socks.asked).toEqual(['relay.invalid:2525']);
    expect(socks.from).toEqual(['127.0.0.9']);
  });

  it('that refuses is told in words, and the mail waits', async () => {
    const socks = await startSocksServer({ refuse: 2 });
    const { send } = box(() => `relay = "smtp://relay.invalid"\nproxy = "socks5://127.0.0.1:${socks.port}"\n`);
    const sent = await send('bob@example.org');
    expect(outcomes(sent)).toEqual(['bob@example.org deferred 4.4.1']);
    expect(sent.stderr).toContain(`proxy 127.0.0.1:${socks.port}: the proxy does not allow it`);
    expect(sent.status).toBe(75);
  });
});

describe('a login', () => {
  const authority = createAuthority();
  afterAll(() => authority.close());

  it('is bound to TLS with the password of ~/.netrc, is remembered, and is not weakened unasked', async () => {
    const offered = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
    const server = await startScramSmtp({
      certificate: authority.issue({ names: ['IP:127.0.0.1'] }),
      offered,
      user: 'ann',
      password: 'correct horse',
      kinds: ['tls-exporter'],
    });
    const { folder, send } = box(
      (place) => `tls.ca = "${place}/ca.pem"\nrelay = "smtps://ann@127.0.0.1:${server.port}"\n`,
    );
    writeFileSync(join(folder, 'ca.pem'), authority.ca);
    const netrc = 'machine 127.0.0.1 login ann password "correct horse"\n';
    writeFileSync(join(folder, '.netrc'), netrc, { mode: 0o600 });
    // The server knows no mail: what is refused behind the login was logged in.
    expect(outcomes(await send('bob@example.org'))).toEqual(['bob@example.org failed 5.5.1']);
    expect(server.tried).toEqual(['SCRAM-SHA-256-PLUS p=tls-exporter']);
    const memory = join(folder, 'state/mechanisms.json');
    expect(JSON.parse(readFileSync(memory, 'utf8'))).toEqual({
      [`127.0.0.1:${server.port} ann`]: 'SCRAM-SHA-256-PLUS',
    });

    offered.shift();
    const weaker = await send('bob@example.org');
    expect(outcomes(weaker)).toEqual(['bob@example.org deferred 4.7.0']);
    expect(weaker.stderr).toContain('SCRAM-SHA-256-PLUS was used before');
    expect(server.tried).toHaveLength(1);

    expect(outcomes(await send('--auth', 'scram-sha-256', 'bob@example.org'))).toEqual([
      'bob@example.org failed 5.5.1',
    ]);
    expect(outcomes(await send('bob@example.org'))).toEqual(['bob@example.org failed 5.5.1']);
    expect(server.tried.slice(1)).toEqual(['SCRAM-SHA-256 y', 'SCRAM-SHA-256 y']);
    expect(readFileSync(memory, 'utf8')).not.toMatch(/PLUS|horse/);
  });

  it('finds no password in a ~/.netrc that others can read', async () => {
    const { folder, send } = box(() => 'relay = "smtps://ann@127.0.0.1:1"\n');
    writeFileSync(join(folder, '.netrc'), 'machine 127.0.0.1 password hush', { mode: 0o644 });
    const sent = await send('bob@example.org');
    expect(sent.stderr).toMatch(/\.netrc" is open to others \(mode 0644\); "chmod 600" closes it/);
    expect(sent.stderr).not.toContain('hush');
  });
});
