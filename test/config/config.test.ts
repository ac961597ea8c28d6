import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig, readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS, type Overrides } from '../../src/config/defaults.ts';
import { KNOWN_KEYS } from '../../src/config/schema.ts';

const FINGERPRINT = `${'AB:'.repeat(31)}cd`;

describe('readConfig() when all is well', () => {
  const good = (text: string, want: Overrides) =>
    test(`reads ${text.replaceAll('\n', ' ') || 'nothing'}`, async () => {
      const reading = await readConfig(text, '/etc/posthaste.toml');
      expect(reading.ok && applyOverrides(DEFAULTS, reading.overrides)).toEqual(applyOverrides(DEFAULTS, want));
    });
  good('', {});
  good('# nothing\n\n[mx]\n', {});
  good('domain = "Example.ORG."', { domain: 'example.org' });
  good('domain = "müller.example"', { domain: 'xn--mller-kva.example' });
  good('hostname = "mail.example.org"', { hostname: 'mail.example.org' });
  good('hostname = "[192.0.2.1]"', { hostname: '[192.0.2.1]' });
  good('dns.servers = ["127.0.0.1:5353", "[::1]:53", "192.0.2.1", "2001:db8::1", "[2001:db8::2]"]', {
    dns: {
      servers: [
        { address: '127.0.0.1', port: 5353 },
        { address: '::1', port: 53 },
        { address: '192.0.2.1', port: 53 },
        { address: '2001:db8::1', port: 53 },
        { address: '2001:db8::2', port: 53 },
      ],
    },
  });
  good('[mx]\nport = 2525\nallow_local = true', { mx: { port: 2525, allowLocal: true } });
  good('mx = { port = 2525 }', { mx: { port: 2525 } });
  good('[tls]\nlevel = "encrypt"\nca = "node"\nmin_version = "TLSv1.3"', {
    tls: { level: 'encrypt', ca: 'node', minVersion: 'TLSv1.3' },
  });
  good('[tls]\nca = "ca.pem"\ncert = "/srv/cert.pem"\nkey = "../key.pem"', {
    tls: { ca: '/etc/ca.pem', cert: '/srv/cert.pem', key: '/key.pem' },
  });
  good(`tls.fingerprints = ["${FINGERPRINT}"]`, { tls: { fingerprints: [`${'ab'.repeat(31)}cd`] } });
  good('[timeouts]\nconnect = 10\ngreeting = "5m"\ndot = 0.5\nquit = "250ms"', {
    timeouts: { connect: 10, greeting: 300, dot: 0.5, quit: 0.25 },
  });
  good('[limits]\nrecipients = 1\naddresses = 2\nsessions = 3\ndestinations = 4\nmessage_size = "25MB"', {
    limits: { recipients: 1, addresses: 2, sessions: 3, destinations: 4, messageSize: 26_214_400 },
  });
  good('limits.message_size = 0', {});
  good('limits.rate = "30/min"', { limits: { rate: { count: 30, per: 60_000 } } });
  good('retry = ["1m", "5m", 7200]\nexpire = "2d"\ndelay_warning = 0', {
    retry: { pauses: [60_000, 300_000, 7_200_000], expire: 172_800_000, delayWarning: 0 },
  });
  good('[spool]\ndir = "spool"\nfsync = false', { spool: { dir: '/etc/spool', fsync: false } });
  good('[runner]\nlinger = 0\nsessions = 3\ndestination_sessions = 2\ntransactions = 9', {
    runner: { linger: 0, sessions: 3, destinationSessions: 2, transactions: 9 },
  });
  good('[bounce]\nsize = "1MB"\ndigest = 0', { bounce: { size: 1_048_576, digest: 0 } });
  good('log = "log/posthaste"', { log: '/etc/log/posthaste' });
  good('log = "syslog"', { log: 'syslog' });
});

describe('readConfig() when something is wrong', () => {
  const bad = (text: string, ...want: readonly string[]) =>
    test(`refuses ${text.slice(0, 60).replaceAll('\n', ' ')}`, async () => {
      const reading = await readConfig(text, 'p.toml');
      expect(reading).toEqual({ ok: false, errors: want.map((each) => `Cannot use configuration: p.toml:${each}`) });
    });
  const known = [...new Set(KNOWN_KEYS.map((key) => key.split('.')[0]))].join(', ');
  bad('domian = "a.test"', '1: unknown key "domian", did you mean "domain"?');
  bad('\n\n[mx]\nprot = 25', '4: unknown key "mx.prot", did you mean "mx.port"?');
  bad('[mx]\nallow-local = true', '2: unknown key "mx.allow-local", did you mean "mx.allow_local"?');
  bad('mx.allowLocal = true', '1: unknown key "mx.allowLocal", did you mean "mx.allow_local"?');
  bad('allow_local = true', '1: unknown key "allow_local", did you mean "mx.allow_local"?');
  bad('[smtp]\nport = 25', `1: unknown key "smtp", known are ${known}`);
  bad('[mx]\nwhatever = 25', '2: unknown key "mx.whatever", known are mx.port, mx.allow_local');
  bad('[mx.port]\nx = 1', '1: "mx.port" must be a whole number from 1 to 65535, not a table');
  bad('"mx.port" = 25', `1: unknown key "\\"mx.port\\"", did you mean "mx.port"?`);
  bad('"a\\r\\nb" = 25', `1: unknown key "\\"a\\r\\nb\\"", known are ${known}`);
  bad('__proto__ = 1', `1: unknown key "__proto__", known are ${known}`);
  bad('[constructor]\nprototype = 1', `1: unknown key "constructor", known are ${known}`);
  bad('password = "secret"', '1: unknown key "password", did you mean "password_file"?');
  bad('realy = "mx"', '1: unknown key "realy", did you mean "relay"?');
  bad('[acount.work]\nurl = "mx"', '1: unknown key "acount", did you mean "account"?');
  bad('relay_host = "mx"', `1: unknown key "relay_host", known are ${known}`);

  bad('domain = 5', '1: "domain" must be a domain name, not 5');
  bad('domain = ""', '1: "domain" must be a domain name, on one line and not empty, not ""');
  bad('domain = "a\\r\\nb"', '1: "domain" must be a domain name, on one line and not empty, not "a\\x0d\\x0ab"');
  bad('domain = "a..b"', '1: "domain" must be a domain name (domain has an empty label), not "a..b"');
  bad('hostname = "localhost"', '1: "hostname" must be a name that others know this host by, not "localhost"');
  bad(
    'hostname = "[x]"',
    '1: "hostname" must be a domain name or an address in brackets (address literal is neither [IPv4] nor [IPv6:address]), not "[x]"',
  );
  const server = 'an IP address, with a port or without: "192.0.2.1", "[2001:db8::1]:53"';
  bad('dns.servers = "192.0.2.1"', '1: "dns.servers" must be a list of IP addresses, not "192.0.2.1"');
  bad('dns.servers = []', '1: "dns.servers" must be a list of IP addresses that is not empty, not a list');
  bad(
    'dns.servers = ["192.0.2.1",\n"ns.test",\n1, "[::1", "[192.0.2.1]:53", "192.0.2.1:0", "192.0.2.256", "1.2.3.4:99999"]',
    `1: "dns.servers.1" must be ${server}, not "ns.test"`,
    '1: "dns.servers.2" must be an IP address, not 1',
    `1: "dns.servers.3" must be ${server}, not "[::1"`,
    `1: "dns.servers.4" must be ${server}, not "[192.0.2.1]:53"`,
    `1: "dns.servers.5" must be ${server}, not "192.0.2.1:0"`,
    `1: "dns.servers.6" must be ${server}, not "192.0.2.256"`,
    `1: "dns.servers.7" must be ${server}, not "1.2.3.4:99999"`,
  );
  bad('mx = 3', '1: "mx" must be a table with the keys port, allow_local, not 3');
  bad('mx = 1979-05-27', '1: "mx" must be a table with the keys port, allow_local, not a date');
  bad('[[mx]]\nport = 3', '1: "mx" must be a table with the keys port, allow_local, not a list');
  for (const value of ['0', '65536', '1.5', '"25"', 'nan', 'inf', 'true', '[]', '{}', '1979-05-27']) {
    const shown: Readonly<Record<string, string>> = {
      nan: 'NaN',
      inf: 'Infinity',
      '[]': 'a list',
      '{}': 'a table',
      '1979-05-27': 'a date',
    };
    bad(`mx.port = ${value}`, `1: "mx.port" must be a whole number from 1 to 65535, not ${shown[value] ?? value}`);
  }
  bad('mx.allow_local = "yes"', '1: "mx.allow_local" must be true or false, not "yes"');
  bad('tls.level = "always"', '1: "tls.level" must be "none" or "may" or "encrypt" or "verify", not "always"');
  bad('tls.min_version = "TLSv1.1"', '1: "tls.min_version" must be "TLSv1.2" or "TLSv1.3", not "TLSv1.1"');
  bad('tls.ca = true', '1: "tls.ca" must be "system", "node" or the path of a PEM file, not true');
  bad('[tls]\nkey = "key.pem"', '2: "tls.key" must be given together with the "cert" beside it');
  bad('tls.cert = "a\\u0000"', '1: "tls.cert" must be the path of a PEM file, on one line and not empty, not "a\\x00"');
  bad(
    'tls.fingerprints = ["ab"]',
    '1: "tls.fingerprints.0" must be a SHA-256 fingerprint: 64 hexadecimal digits, not "ab"',
  );
  const duration = 'seconds or a duration such as "2h"';
  bad('retry = []', '1: "retry" must be a list of durations that is not empty, not a list');
  bad('retry = "5m"', '1: "retry" must be a list of durations, not "5m"');
  bad('retry = ["1m", 0]', '1: "retry.1" must be more than nothing, not 0');
  bad('expire = 0', '1: "expire" must be more than nothing, not 0');
  bad('expire = "5 days"', `1: "expire" must be ${duration}, at most a year, not "5 days"`);
  bad('delay_warning = -1', `1: "delay_warning" must be ${duration}, at most a year, not -1`);
  bad('spool.fsync = "no"', '1: "spool.fsync" must be true or false, not "no"');
  bad('spool.directory = "x"', '1: unknown key "spool.directory", known are spool.dir, spool.fsync');
  bad('runner.sessions = 0', '1: "runner.sessions" must be a whole number from 1 to 1000, not 0');
  bad(
    'log = ""',
    '1: "log" must be the path of a file, "stderr", "syslog" or "none", on one line and not empty, not ""',
  );
  const seconds = 'seconds or a duration such as "5m"';
  bad('timeouts.conect = 3', '1: unknown key "timeouts.conect", did you mean "timeouts.connect"?');
  bad('timeouts.connect = true', `1: "timeouts.connect" must be ${seconds}, not true`);
  for (const value of ['0', '-1', '86401', '"5"', '"2d"']) {
    bad(`timeouts.dot = ${value}`, `1: "timeouts.dot" must be ${seconds}, more than 0 and at most a day, not ${value}`);
  }
  const size = 'a number of bytes or a size such as "25MB"';
  for (const value of ['"0/min"', '"30"', '30']) {
    bad(
      `limits.rate = ${value}`,
      `1: "limits.rate" must be so many messages in a time, such as "30/min", not ${value}`,
    );
  }
  bad('limits.message_size = false', `1: "limits.message_size" must be ${size}, not false`);
  for (const value of ['-1', '0.5', '"25T"']) {
    bad(`limits.message_size = ${value}`, `1: "limits.message_size" must be ${size}; 0 is no limit, not ${value}`);
  }
  bad('limits.recipients = 0', '1: "limits.recipients" must be a whole number from 1 to 10000, not 0');
  bad(
    '[tls]\nlevel = "x"\nlevels = 1\n[mx]\nport = 0\nports = 0\n',
    '2: "tls.level" must be "none" or "may" or "encrypt" or "verify", not "x"',
    '3: unknown key "tls.levels", did you mean "tls.level"?',
    '5: "mx.port" must be a whole number from 1 to 65535, not 0',
    '6: unknown key "mx.ports", did you mean "mx.port"?',
  );

  test('tells of twenty errors and counts the others', async () => {
    const reading = await readConfig(
      Array.from({ length: 5000 }, (_, index) => `${'k'.repeat(60)}${index} = 1`).join('\n'),
      'p',
    );
    expect(reading).toMatchObject({
      ok: false,
      errors: { length: 21, 20: 'Cannot use configuration: 4980 more errors' },
    });
  });

  const unreadable = (text: string, where: string) =>
    test(`cannot read ${text.replaceAll('\n', ' ')}`, async () => {
      const reading = await readConfig(text, 'p\n.toml');
      if (reading.ok) throw new Error('it was read');
      expect(reading.errors).toHaveLength(1);
      expect(reading.errors[0]).toMatch(/^Cannot read configuration: p\\x0a\.toml:\d+: [ -~]+[^.]$/);
      expect(reading.errors[0]).toContain(`p\\x0a.toml:${where}: `);
    });
  unreadable('a', '1');
  unreadable('\n\nmx.port = ', '3');
  unreadable('mx.port = 25\nmx.port = 26', '2');
  unreadable('mx.port = 25\n[mx.port]', '2');
  unreadable('domain = "a\nb"', '1');
  unreadable('domain = "a', '1');
  unreadable(`a = ${'['.repeat(100)}`, '1');
  unreadable('mx.port = 99999999999999999999', '1');
});

describe('readConfig() whatever the text', () => {
  const value = fc.oneof(
    fc.constantFrom('1', 'true', '"x"', '[]', '{}', '"""a\n[b]\n"""', '{ port = 1 }', '[1,\n2]', 'nan', ''),
    fc.string(),
  );
  const key = fc.oneof(fc.constantFrom('domain', 'mx', 'port', 'mx.port', 'tls.ca', '__proto__', '"a.b"'), fc.string());
  const line = fc.oneof(
    fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`),
    key.map((name) => `[${name}]`),
    fc.string({ unit: 'binary' }),
  );
  test('answers with settings or errors of one line each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
        const reading = await readConfig(lines.join('\n'), 'p.toml');
        if (reading.ok) {
          expect(applyOverrides(DEFAULTS, reading.overrides).mx.port).toBeGreaterThan(0);
          return;
        }
        expect(reading.errors.length).toBeGreaterThan(0);
        for (const error of reading.errors)
          expect(error).toMatch(/^Cannot (?:read|use) configuration: p\.toml:\d+: [^\p{Cc}]+$/u);
      }),
      { seed: 1234, numRuns: 400 },
    );
  });
});

describe('loadConfig()', () => {
  const load = (bytes: Uint8Array | Error) =>
    loadConfig('dir/p.toml', {
      readFile: async (name) => {
        expect(name).toBe('dir/p.toml');
        if (bytes instanceof Error) throw bytes;
        return bytes;
      },
    });
  const failing = (code: string) => Object.assign(new Error('secret words'), { code });
  const fails = (reason: string) => ({ ok: false, errors: [`Cannot read configuration: file "dir/p.toml" ${reason}`] });

  test('reads bytes, with or without a byte order mark', async () => {
    const text = '[tls]\ncert = "c.pem"';
    const want = { ok: true, overrides: { tls: { cert: 'dir/c.pem' } } };
    expect(await load(Buffer.from(text))).toMatchObject(want);
    expect(await load(Buffer.from(`\ufeff${text}`))).toMatchObject(want);
  });
  test('says why it can not', async () => {
    expect(await load(failing('ENOENT'))).toEqual(fails('does not exist'));
    expect(await load(failing('EACCES'))).toEqual(fails("can't be read (EACCES)"));
    expect(await load(new Error('x'))).toEqual(fails("can't be read (unknown error)"));
    expect(await load(Buffer.from([0xff]))).toEqual(fails('is not UTF-8'));
    expect(await load(Buffer.alloc(1_048_577, '#'))).toEqual(fails('is larger than 1 MiB'));
    expect(await load(Buffer.alloc(1_048_576, '#'))).toMatchObject({ ok: true });
  });
});
