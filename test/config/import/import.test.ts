import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { importDma } from '../../../src/config/import/dma.ts';
import type { Import, Imported } from '../../../src/config/import/imported.ts';
import { importMsmtp } from '../../../src/config/import/msmtp.ts';
import { importNullmailer } from '../../../src/config/import/nullmailer.ts';
import { render, told } from '../../../src/config/import/render.ts';
import { importSsmtp } from '../../../src/config/import/ssmtp.ts';

type Importer = (given: Import) => Imported;

/** What is written, which our own reader takes, without its comments, and what was left out. */
async function shown(importer: Importer, text: string, files: Readonly<Record<string, string>> = {}) {
  const imported = importer({ text, beside: (name) => files[name] });
  const written = render(imported, 'title', {});
  expect(await readConfig(written, '/etc/posthaste/config.toml')).toMatchObject({ ok: true });
  const rows = written.split('\n');
  return { toml: rows.filter((row) => row !== '' && !row.startsWith('#')), left: imported.left.map(told) };
}

const MSMTP = `
# An example
defaults
port 587
tls on
tls_trust_file /etc/ssl/certs/ca-certificates.crt
logfile ~/.msmtp.log

account gmail
host smtp.gmail.com
from "ann@gmail.com"
user ann@gmail.com
auth on
passwordeval "gpg -d ~/.pw.gpg | head -1"

account work : gmail
host mail.example.com
port 465
tls_starttls off
from *@example.com
password "hun ter2"
dsn_notify failure

account default : gmail
`;

describe('importMsmtp()', () => {
  test('makes accounts of accounts, with what they inherit', async () => {
    expect(await shown(importMsmtp, MSMTP)).toEqual({
      toml: [
        'default_account = "gmail"',
        '[account.gmail]',
        'url = "smtp+starttls://ann%40gmail.com@smtp.gmail.com"',
        `password_command = "sh -c 'gpg -d ~/.pw.gpg | head -1'"`,
        ...['from = "ann@gmail.com"', 'from_mode = "keep"', 'tls = { ca = "/etc/ssl/certs/ca-certificates.crt" }'],
        '[account.work]',
        'url = "smtps://ann%40gmail.com@mail.example.com"',
        ...['sender = "*@example.com"', 'from_mode = "keep"', 'tls = { ca = "/etc/ssl/certs/ca-certificates.crt" }'],
      ],
      left: [
        'line 7: logfile: the log of the queue is another one; see "log"',
        'line 20: from: a pattern is no sender',
        'line 22: dsn_notify: say it on the command line, with -N',
      ],
    });
  });

  const one = (...rows: readonly string[]) =>
    shown(importMsmtp, ['account default', 'host h.example', ...rows].join('\n'));
  test.each([
    [[], ['url = "smtp://h.example"', 'tls = { level = "none" }']],
    [['tls on'], ['url = "smtp+starttls://h.example:25"']],
    [['tls'], ['url = "smtp+starttls://h.example:25"']],
    [
      ['tls on', 'tls_certcheck off'],
      ['url = "smtp+starttls://h.example:25"', 'tls = { level = "encrypt" }'],
    ],
    [['protocol lmtp', 'port 2003'], ['url = "lmtp://h.example:2003"']],
    [
      ['user ann', 'auth off'],
      ['url = "smtp://h.example"', 'tls = { level = "none" }'],
    ],
    [
      ['tls on', 'auth scram-sha-256', 'user a:b'],
      ['url = "smtp+starttls://a%3Ab@h.example:25"', 'auth = "SCRAM-SHA-256"'],
    ],
    [
      ['tls on', 'auto_from on', 'maildomain example.org'],
      ['url = "smtp+starttls://h.example:25"', 'from = "%u@example.org"', 'from_mode = "keep"'],
    ],
    [
      ['tls on', 'from a@b.example', 'allow_from_override off'],
      ['url = "smtp+starttls://h.example:25"', 'from = "a@b.example"', 'from_mode = "envelope"'],
    ],
    [
      ['tls on', 'from a@b.example', 'set_from_header on'],
      ['url = "smtp+starttls://h.example:25"', 'from = "a@b.example"', 'from_mode = "force"'],
    ],
    [
      [
        'tls on',
        'proxy_host 127.0.0.1',
        'proxy_port 9050',
        'source_ip 192.0.2.1',
        'timeout 60',
        'domain c.example.org',
      ],
      [
        ...['url = "smtp+starttls://h.example:25"', 'hostname = "c.example.org"', 'source_address = "192.0.2.1"'],
        ...['proxy = "socks5://127.0.0.1:9050"', 'timeouts = { connect = 60 }'],
      ],
    ],
    [
      ['tls on', `tls_fingerprint ${'AB:'.repeat(31)}CD`],
      ['url = "smtp+starttls://h.example:25"', `tls = { fingerprints = ["${'AB:'.repeat(31)}CD"] }`],
    ],
  ])('reads %j', async (rows, want) => {
    expect(await one(...rows)).toEqual({
      toml: ['default_account = "default"', '[account.default]', ...want],
      left: [],
    });
  });

  test.each([
    ['auth ntlm', 'line 3: auth: there is no such mechanism here'],
    ['tls_priorities NORMAL', 'line 3: tls_priorities: there is nothing like it here'],
    ['swordfish', 'line 3: it begins with no word that is known'],
  ])('tells that %s is left out', async (row, want) => {
    expect((await one(row)).left).toEqual([want]);
  });

  test('tells of an account without a host', async () => {
    expect(await shown(importMsmtp, 'account a\nfrom x@y.example')).toEqual({
      toml: [],
      left: ['account a: it names no host'],
    });
  });
});

describe('importSsmtp()', () => {
  test('makes an account of the mailhub', async () => {
    const text = [
      ...[
        'root=ann@example.org',
        'mailhub=smtp.example.org:587',
        'rewriteDomain=example.org',
        'Hostname=vm.example.org',
      ],
      ...['FromLineOverride=YES', 'UseTLS=YES', 'UseSTARTTLS=YES', 'AuthUser=ann@example.org', 'AuthPass=hunter2'],
      ...['AuthMethod=LOGIN', 'TLS_CA_File=/etc/ca.pem', 'Debug=YES'],
    ].join('\n');
    expect(await shown(importSsmtp, text)).toEqual({
      toml: [
        ...['domain = "example.org"', 'hostname = "vm.example.org"', 'default_account = "mailhub"'],
        'aliases = { root = "ann@example.org" }',
        '[account.mailhub]',
        'url = "smtp+starttls://ann%40example.org@smtp.example.org"',
        ...['auth = "LOGIN"', 'tls = { ca = "/etc/ca.pem" }'],
      ],
      left: ['line 12: Debug: there is nothing like it here'],
    });
  });

  test('rewrites the From where sSMTP does', async () => {
    expect(await shown(importSsmtp, 'root=postmaster\nmailhub=mail\nrewriteDomain=example.org')).toEqual({
      toml: [
        ...['domain = "example.org"', 'from = "%u@example.org"', 'from_mode = "force"', 'default_account = "mailhub"'],
        'aliases = { root = "postmaster@example.org" }',
        ...['[account.mailhub]', 'url = "smtp://mail"', 'tls = { level = "none" }'],
      ],
      left: [],
    });
    expect((await shown(importSsmtp, 'mailhub=mail:465\nUseTLS=YES\nhunter2')).left).toEqual([
      'line 3: it begins with no word that is known',
      'FromLineOverride: without a domain nothing is put into the From of messages',
    ]);
  });
});

describe('importNullmailer()', () => {
  test('makes a route of several remotes', async () => {
    const text = [
      'smtp.example.org smtp --starttls --port=587 --user=ann --pass="hun ter2"',
      "[2001:db8::1] --ssl --insecure --auth-login --source=192.0.2.1 --x509cafile='/etc/ca file.pem'",
      'old.example.org qmqp',
      'x.example.org --x509crlfile=/x --hunter2',
    ].join('\n');
    expect(
      await shown(importNullmailer, text, { me: 'vm.example.org\n', adminaddr: 'ann@example.org,bob@example.org' }),
    ).toEqual({
      toml: [
        ...['domain = "vm.example.org"', 'hostname = "vm.example.org"'],
        'aliases = { default = "ann@example.org, bob@example.org" }',
        ...['[account.remote1]', 'url = "smtp+starttls://ann@smtp.example.org"'],
        ...['[account.remote2]', 'url = "smtps://[2001:db8::1]"', 'auth = "LOGIN"', 'source_address = "192.0.2.1"'],
        'tls = { level = "encrypt", ca = "/etc/ca file.pem" }',
        ...['[account.remote4]', 'url = "smtp://x.example.org"', 'tls = { level = "none" }'],
        ...['[[route]]', 'via = ["account:remote1", "account:remote2", "account:remote4"]'],
      ],
      left: [
        'line 3: a remote by another protocol than smtp',
        'line 4: --x509crlfile: there is nothing like it here',
        'line 4: an option that is not known',
      ],
    });
  });

  test('takes the only remote for all mail, with the sender of allmailfrom', async () => {
    expect(
      (
        await shown(importNullmailer, 'smtp.example.org', {
          allmailfrom: 'ann@example.org\n',
          helohost: 'h.example.org',
        })
      ).toml,
    ).toEqual([
      ...['hostname = "h.example.org"', 'from = "ann@example.org"', 'from_mode = "envelope"'],
      ...[
        'default_account = "remote1"',
        '[account.remote1]',
        'url = "smtp://smtp.example.org"',
        'tls = { level = "none" }',
      ],
    ]);
  });
});

describe('importDma()', () => {
  test('makes an account of the smarthost, with the login of auth.conf', async () => {
    const text = [
      ...['SMARTHOST smtp.example.org', 'PORT 587', 'AUTHPATH /etc/dma/auth.conf', 'SECURETRANSFER', 'STARTTLS'],
      ...[
        'MAILNAME /etc/mailname',
        'MASQUERADE ann@',
        'NULLCLIENT',
        'ALIASES /etc/aliases',
        `FINGERPRINT ${'ab'.repeat(32)}`,
      ],
    ].join('\n');
    const files = {
      '/etc/dma/auth.conf': 'x|other:1\nann|smtp.example.org:hun:ter2\n',
      '/etc/mailname': 'example.org\n',
    };
    expect(await shown(importDma, text, files)).toEqual({
      toml: [
        ...['domain = "example.org"', 'hostname = "example.org"', 'from = "ann@%h"', 'from_mode = "envelope"'],
        ...['default_account = "smarthost"', '[account.smarthost]', 'url = "smtp+starttls://ann@smtp.example.org"'],
        `tls = { fingerprints = ["${'ab'.repeat(32)}"] }`,
      ],
      left: ['line 9: ALIASES: /etc/aliases is read, and [aliases]'],
    });
  });

  test.each([
    ['SMARTHOST h.example', ['url = "smtp://h.example"', 'tls = { level = "none" }']],
    ['SMARTHOST h.example\nPORT 465\nSECURE', ['url = "smtps://h.example"']],
    [
      'SMARTHOST h.example\nSECURE\nSTARTTLS\nOPPORTUNISTIC_TLS',
      ['url = "smtp+starttls://h.example:25"', 'tls = { level = "may" }'],
    ],
  ])('reads %j', async (text, want) => {
    const { toml, left } = await shown(importDma, text);
    expect(toml.slice(2)).toEqual(want);
    expect(left).toEqual(['local delivery: mail for users of this host goes to the relay; see "local"']);
  });
});

describe('render()', () => {
  const accounts = importSsmtp({ text: 'mailhub=h.example\nAuthUser=a\nAuthPass=hunter2', beside: () => undefined });

  test('never writes a password, and says what to do', async () => {
    const text = render(accounts, 'Made of "x"\nand y', {});
    expect(text).not.toContain('hunter2');
    expect(text).toContain('# Made of "x" and y\n');
    expect(text).toContain('# password_file = "/etc/posthaste/password"\n');
  });

  test('names the file that the password is in', async () => {
    expect(render(accounts, 't', { mailhub: '/etc/p"w' })).toContain('password_file = "/etc/p\\"w"\n');
  });
});
