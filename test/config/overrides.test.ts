import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS, type Overrides } from '../../src/config/defaults.ts';
import type { Settings } from '../../src/config/settings.ts';

async function read(text: string): Promise<Overrides> {
  const reading = await readConfig(text, '/etc/p/c.toml', { home: '/home/ann' });
  if (reading.ok) return reading.overrides;
  throw new Error(reading.errors.join('\n'));
}

/** What files say together, the later over the earlier. */
async function together(...texts: readonly string[]): Promise<Settings> {
  let settings = DEFAULTS;
  for (const text of texts) settings = applyOverrides(settings, await read(text));
  return settings;
}

describe('toOverrides()', () => {
  const good = (text: string, want: object) =>
    test(`reads ${text.replaceAll('\n', ' ').slice(0, 70)}`, async () => expect(await read(text)).toMatchObject(want));
  good('relay = "smtps://ann@a.test"\nauth = "PLAIN"\npassword_file = "~/p"', {
    relay: 'smtps://ann@a.test',
    login: { auth: 'PLAIN', passwordFile: '/home/ann/p' },
  });
  good('[account.a]\npassword_file = "p"\nopen_password_file = true', {
    accounts: { a: { passwordFile: '/etc/p/p', openPasswordFile: true } },
  });
  good('relay = "file:out"', { relay: 'file:/etc/p/out' });
  good('local = "maildir:~/Maildir"', { local: 'maildir:/home/ann/Maildir' });
  good('log = "none"', { log: 'none' });
  good('from = "%u@a.test"\nfrom_mode = "envelope"\ndsn = false', {
    from: '%u@a.test',
    fromMode: 'envelope',
    dsn: false,
  });
  good('ip = "6"\nsource_address = "192.0.2.1"\nproxy = "socks5://u%40:p%3A@a.test"', {
    network: { ip: '6', source: ['192.0.2.1'], proxy: { host: 'a.test', port: 1080, user: 'u@', password: 'p:' } },
  });
  good('drop.senders = "own"\nsendmail.lone_dot = "classic"', {
    drop: { senders: 'own' },
    sendmail: { loneDot: 'classic' },
  });
  good('aliases = { root = "ann", "a b" = "bob" }', { aliases: { root: 'ann', 'a b': 'bob' } });
  good('[account.a]\nurl = "maildir:m"\nuser = "u"\nsender = "*.a.test"\nrate = "1/s"\nsessions = 3\nport = 26', {
    accounts: {
      a: {
        url: 'maildir:/etc/p/m',
        user: 'u',
        senders: ['*@*.a.test'],
        over: { limits: { rate: { count: 1, per: 1000 } }, runner: { destinationSessions: 3 }, mx: { port: 26 } },
      },
    },
  });
  good('[[route]]\nrecipient = "a.test"\nsender = ["<>", "b.test"]\nuid = 0\nvia = "mx"\ntls.ca = "x"\nexpire = 60', {
    routes: [
      {
        recipients: ['*@a.test'],
        senders: ['<>', '*@b.test'],
        uids: [0],
        via: ['mx'],
        over: { tls: { ca: '/etc/p/x' }, retry: { expire: 60_000 } },
      },
    ],
  });

  test('has no member that the file does not say', async () => {
    expect(JSON.parse(JSON.stringify(await read('')))).toEqual(await read(''));
    expect(applyOverrides(DEFAULTS, await read(''))).toEqual(DEFAULTS);
  });
});

describe('applyOverrides() with files over each other', () => {
  test('puts scalars in the place of others and merges tables key by key', async () => {
    expect(
      await together('domain = "a.test"\n[mx]\nport = 26', 'domain = "b.test"\nmx.allow_local = true'),
    ).toMatchObject({
      domain: 'b.test',
      mx: { port: 26, allowLocal: true },
    });
  });

  test('merges accounts key by key, their tables too', async () => {
    const { accounts } = await together(
      '[account.a]\nurl = "mx"\nuser = "u"\ntls.level = "verify"\ntimeouts.mail = 1\nretry = ["1m"]\nip = "4"\n[account.b]\nurl = "mx"',
      '[account.a]\nuser = "v"\ntls.ca = "/ca"\ntimeouts.rcpt = 2\nexpire = "1d"\nsource_address = "192.0.2.1"\n[account.c]\nurl = "discard"',
    );
    expect(Object.keys(accounts)).toEqual(['a', 'b', 'c']);
    expect(accounts.a).toMatchObject({
      url: 'mx',
      user: 'v',
      over: {
        tls: { level: 'verify', ca: '/ca' },
        timeouts: { mail: 1, rcpt: 2 },
        retry: { pauses: [60_000], expire: 86_400_000 },
        network: { ip: '4', source: ['192.0.2.1'] },
      },
    });
  });

  test('another place of the password takes the old one with it', async () => {
    const file = 'password_file = "/p"';
    const command = 'password_command = "c"';
    expect((await together(`relay = "smtp://u@a.test"\n${file}`, command)).login).toEqual({ passwordCommand: 'c' });
    const { accounts } = await together(`[account.a]\n${command}\nauth = "PLAIN"`, `[account.a]\n${file}`);
    expect(accounts.a).toMatchObject({ auth: 'PLAIN', passwordFile: '/p' });
    expect(accounts.a).not.toHaveProperty('passwordCommand');
  });

  test('another relay or account takes the old one and its login with it', async () => {
    const old = 'relay = "smtp://u@a.test"\npassword_file = "/p"';
    expect(await together(old, 'relay = "mx"')).toMatchObject({ relay: 'mx', login: {} });
    const named = await together(old, 'default_account = "a"');
    expect(named).toMatchObject({ account: 'a', login: {} });
    expect(named).not.toHaveProperty('relay');
    expect(await together('default_account = "a"', old)).not.toHaveProperty('account');
  });

  test('another certificate takes the key with it, in accounts too', async () => {
    const both = 'tls.cert = "/c"\ntls.key = "/k"';
    expect((await together(both, 'tls.cert = "/d"')).tls).toEqual({ ...DEFAULTS.tls, cert: '/d' });
    const { accounts } = await together(`[account.a]\n${both}`, '[account.a]\ntls.cert = "/d"');
    expect(accounts.a?.over.tls).toEqual({ cert: '/d' });
  });

  test('puts the routes of a later file first, and aliases beside each other', async () => {
    const route = (name: string): string => `[[route]]\nrecipient = "${name}.test"\n`;
    const settings = await together(
      `aliases = { a = "1", b = "1" }\n${route('a')}${route('b')}`,
      `aliases.b = "2"\n${route('c')}${route('d')}`,
    );
    expect(settings.routes.map(({ recipients }) => recipients[0])).toEqual([
      '*@c.test',
      '*@d.test',
      '*@a.test',
      '*@b.test',
    ]);
    expect(settings.aliases).toEqual({ a: '1', b: '2' });
  });
});
