import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { KNOWN_KEYS } from '../../src/config/schema.ts';

/*
 * What is said of each kind of fault, for each key of each table: a row is a value that can't be right, and what it must
 * be. Keys of routes and accounts say the same as those of all mail.
 */

const TRUTH = ['"yes"', 'true or false, not "yes"'] as const;
const SECONDS = ['0', 'seconds or a duration such as "5m", more than 0 and at most a day, not 0'] as const;
const DURATION = ['"soon"', 'seconds or a duration such as "2h", at most a year, not "soon"'] as const;
const SIZE = ['"big"', 'a number of bytes or a size such as "25MB"; 0 is no limit, not "big"'] as const;
const RATE = ['"fast"', 'so many messages in a time, such as "30/min", not "fast"'] as const;
const WAY =
  'it is mx, a URL (smtp://, smtps://, smtp+starttls://, lmtp://, lmtp+unix:), account:NAME, maildir:PATH, mbox:PATH, file:FOLDER, discard, reject:TEXT';
const HOME = '; of homes, "~/" is one\'s own, not "~ann/x"';
const path = (what: string) => ['"~ann/x"', `the path of ${what}${HOME}`] as const;
const number = (least: number, most: number) => ['-1', `a whole number from ${least} to ${most}, not -1`] as const;
const words = (...each: readonly string[]) =>
  ['"x"', `${each.map((one) => `"${one}"`).join(' or ')}, not "x"`] as const;
const globs = ['"a b"', 'a pattern of addresses: it has characters that no address has, not "a b"'] as const;
const text = (allowed: string) => ['""', `${allowed}, on one line and not empty, not ""`] as const;
const https = ['"http://a.test/"', expect.stringMatching(/^an https:\/\/ URL.*, not "http:\/\/a\.test\/"$/)] as const;

const VARIATION = {
  from: ['"a b"', 'an address, with "%u" for the user and "%h" for the host, not "a b"'],
  from_mode: words('keep', 'envelope', 'force'),
  hostname: ['"localhost"', 'a name that others know this host by, not "localhost"'],
  source_address: ['"a.test"', 'an IP address, not "a.test"'],
  ip: words('any', '4', '6', 'prefer-4', 'prefer-6'),
  proxy: ['"socks5://u:geheim@a.test:0"', 'a proxy such as "socks5://127.0.0.1:1080", not "socks5://<user>@a.test:0"'],
  dsn: TRUTH,
  retry: ['[]', 'a list of durations that is not empty, not a list'],
  expire: DURATION,
  delay_warning: DURATION,
} as const;

const LOGIN = {
  auth: ['"KERBEROS"', expect.stringMatching(/^the name of a mechanism: EXTERNAL, .*PLAIN, LOGIN, not "KERBEROS"$/)],
  password_file: path('a file with the password'),
  open_password_file: TRUTH,
  password_command: text('a command that prints the password'),
} as const;

const STAGES = 'resolve connect greeting ehlo starttls tls auth mail rcpt data body dot rset quit'.split(' ');
const TIMEOUTS = Object.fromEntries(STAGES.map((stage) => [`timeouts.${stage}`, SECONDS]));

const TLS = {
  'tls.level': words('none', 'may', 'encrypt', 'verify'),
  'tls.ca': ['"~ann/x"', `"system", "node" or the path of a PEM file${HOME}`],
  'tls.min_version': words('TLSv1.2', 'TLSv1.3'),
  'tls.cert': path('a PEM file'),
  'tls.key': path('a PEM file'),
  'tls.fingerprints': ['"ab"', 'a list of SHA-256 fingerprints, not "ab"'],
} as const;

const OWN = { ...VARIATION, ...TLS, ...TIMEOUTS, rate: RATE, sessions: number(1, 100), port: number(1, 65_535) };

type Row = readonly [value: string, want: unknown];

const ROOT: Readonly<Record<string, Row>> = {
  ...{ ...VARIATION, ...LOGIN, ...TLS, ...TIMEOUTS },
  domain: ['"a..b"', 'a domain name (domain has an empty label), not "a..b"'],
  relay: ['"account:x"', 'a way for mail that is no account, not "account:x"'],
  default_account: text('the name of an account'),
  local: ['"mx"', '"relay", "reject", "maildir:PATH" or another place here, not "mx"'],
  log: ['"~ann/x"', `the path of a file, "stderr", "syslog" or "none"${HOME}`],
  aliases: ['"root"', 'a table of names and their targets, not "root"'],
  'dns.servers': [
    '["ns.test"]',
    'an IP address, with a port or without: "192.0.2.1", "[2001:db8::1]:53", not "ns.test"',
  ],
  'mx.port': number(1, 65_535),
  'mx.allow_local': TRUTH,
  'limits.recipients': number(1, 10_000),
  'limits.addresses': number(1, 100),
  'limits.sessions': number(1, 100),
  'limits.destinations': number(1, 1000),
  'limits.message_size': SIZE,
  'limits.rate': RATE,
  'spool.dir': path('a folder'),
  'spool.fsync': TRUTH,
  'drop.senders': words('own', 'any'),
  'drop.messages': number(1, 1_000_000),
  'drop.size': SIZE,
  'runner.linger': DURATION,
  'runner.sessions': number(1, 1000),
  'runner.destination_sessions': number(1, 100),
  'runner.transactions': number(1, 10_000),
  'bounce.size': SIZE,
  'bounce.digest': number(0, 10_000),
  'sendmail.lone_dot': words('classic', 'eof-only', 'ignore'),
  'sendmail.skip_empty': TRUTH,
  'sendmail.repeat_window': DURATION,
};

const ACCOUNT: Readonly<Record<string, Row>> = {
  ...{ ...OWN, ...LOGIN },
  url: ['"nowhere"', `a way for mail: ${WAY}, not "nowhere"`],
  user: text('the name to log in with'),
  sender: globs,
  'oauth.token_command': text('a command that prints an access token'),
  'oauth.provider': words('google', 'microsoft'),
  'oauth.tenant': ['""', expect.stringContaining('on one line and not empty')],
  'oauth.client_id': text('the id of a client'),
  'oauth.client_secret_file': path('a file with the secret of the client'),
  'oauth.auth_url': https,
  'oauth.device_url': https,
  'oauth.token_url': https,
  'oauth.scope': text('scopes with blanks between them'),
  'oauth.flow': words('device', 'code', 'client'),
};

const ROUTE: Readonly<Record<string, Row>> = {
  ...OWN,
  recipient: ['"<>"', 'a pattern of addresses: only a sender is "<>", not "<>"'],
  sender: globs,
  uid: ['4294967295', 'a user id, not 4294967295'],
  via: [
    '"smtp://u:geheim@a.test"',
    expect.stringMatching(/^a way for mail: a password does not belong in it.*, not "smtp:\/\/<user>@a\.test"$/),
  ],
};

async function errorsOf(toml: string): Promise<readonly string[]> {
  const reading = await readConfig(toml, 'p.toml', { home: '/home/ann' });
  return reading.ok ? [] : reading.errors.map((error) => error.replace('Cannot use configuration: p.toml:', ''));
}

const TABLES = [
  { prefix: '', shown: '', head: '', rows: ROOT, known: KNOWN_KEYS.filter((key) => !key.includes('*')) },
  { prefix: 'account.*.', shown: 'account.work.', head: '[account.work]', rows: ACCOUNT, known: KNOWN_KEYS },
  { prefix: 'route.*.', shown: 'route.', head: '[[route]]', rows: ROUTE, known: KNOWN_KEYS },
];

describe.each(TABLES)('the errors of the keys of $head', ({ prefix, shown, head, rows, known }) => {
  test.each(Object.entries(rows))('name %s, its line and what it must be', async (key, [value, want]) => {
    const errors = await errorsOf(`${head}\n\n${key} = ${value}\n`);
    const found = /^3: "(.*?)" must be (.*)$/.exec(errors[0] ?? '');
    expect(errors).toHaveLength(1);
    // A list's fault is that of one in it.
    expect([found?.[1]?.replace(/\.\d+$/, ''), found?.[2]]).toEqual([`${shown}${key}`, want]);
    expect(errors.join()).not.toContain('geheim');
  });

  test('are there for every key', () => {
    const names = known.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    expect(names.filter((name) => !Object.hasOwn(rows, name))).toEqual([]);
  });

  test('name the nearest key for one that is not known', async () => {
    for (const name of Object.keys(rows)) {
      const last = name.split('.').at(-1) ?? '';
      // Of a short one, little is left.
      if (last.length < 5) continue;
      const [error = ''] = await errorsOf(`${head}\n${name.slice(0, -1)} = 1`);
      expect(error).toMatch(/^2: unknown key ".*", did you mean "[\w.]+"\?$/);
    }
  });
});

describe('the errors of tables', () => {
  const bad = (toml: string, ...want: readonly unknown[]) =>
    test(`tell of ${toml.replaceAll('\n', ' ').slice(0, 60)}`, async () => expect(await errorsOf(toml)).toEqual(want));
  bad('account = 1', '1: "account" must be tables with names: [account.NAME], not 1');
  bad(
    'account.work = 1',
    expect.stringMatching(/^1: "account\.work" must be a table with the keys url, user, .*, not 1$/),
  );
  bad('account."a b".url = "mx"', expect.stringContaining('must be a name of letters, digits, ".", "-" and "_"'));
  bad('route = 1', '1: "route" must be a list of tables: [[route]], not 1');
  bad('[route]\nvia = "mx"', '1: "route" must be a list of tables: [[route]], not a table');
  bad('route = [1]', expect.stringMatching(/^1: "route" must be a table with the keys recipient, sender, .*, not 1$/));
  bad('[[route]]', '1: "route" must be a table with a key in it, or not there');
  bad('[[route]]\nvia = "mx"\n[[route]]\n[route.tls]', '3: "route" must be a table with a key in it, or not there');
  bad('[[route]]\nvia = []', '2: "route.via" must be a list of ways for mail that is not empty, not a list');
  bad('[[route]]\nrecipient = 1', '2: "route.recipient" must be an address or a domain, not 1');
  bad(
    '[[route]]\n[[route]]\nvia = "mx"\ntls.key = "k"',
    '1: "route" must be a table with a key in it, or not there',
    '4: "route.tls.key" must be given together with the "cert" beside it',
  );
  bad(
    '[account.a]\nurl = "mx"\ntls.key = "k"',
    '3: "account.a.tls.key" must be given together with the "cert" beside it',
  );
  bad('[[route]]\nvai = "mx"', '2: unknown key "route.vai", did you mean "route.via"?');
  bad('[account.a]\nurll = "mx"', '2: unknown key "account.a.urll", did you mean "account.a.url"?');
  bad('[accounts.a]\nurl = "mx"', expect.stringMatching(/^1: unknown key "accounts", /));
  bad('[[routes]]\nvia = "mx"', '1: unknown key "routes", did you mean "route"?');
  bad('aliases.root = 1', '1: "aliases.root" must be targets, as in /etc/aliases, not 1');
  bad('aliases.root = ["a"]', '1: "aliases.root" must be targets, as in /etc/aliases, not a list');
});
