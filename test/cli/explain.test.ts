import { describe, expect, it } from 'vitest';
import { play, readJson } from './fake-surroundings.ts';

const zones = {
  MX: { 'example.org': ['20 mx2.example.org', '10 mx1.example.org'], 'nomail.example': ['0 .'] },
  A: { 'mx1.example.org': ['192.0.2.1'], 'mx2.example.org': ['192.0.2.2'] },
  AAAA: { 'mx1.example.org': ['2001:db8::1'] },
};
const config = `
[account.work]
url = "smtp+starttls://ann%40example.org@relay.test"
password_command = "pass show mail/very-secret"
from = "alerts@example.org"
rate = "30/min"
[[route]]
recipient = "*.corp.test"
via = ["account:work", "mx"]
ip = "4"
[[route]]
sender = "cron@*"
uid = 0
via = "maildir:/var/mail/%u"
`;
const files = {
  '/etc/posthaste/config.toml': config,
  '/etc/aliases': 'root: ann@sub.corp.test, \\bob\nbad: /dev/null\n',
};
const explain = (...words: readonly string[]) => play(['explain', ...words], { zones, files });

describe('posthaste explain', () => {
  it('shows each step from the address to the servers, and sends nothing', async () => {
    const { exit, out, err, steps } = await explain('root');
    expect([exit, err]).toEqual([68, '']);
    expect(out.split('\n')).toEqual([
      'Sender      me@vm.example.org',
      'Address     root@vm.example.org',
      'Alias       root@vm.example.org is ann@sub.corp.test, \\bob (/etc/aliases:1)',
      '',
      'Recipient   ann@sub.corp.test',
      'Route       route 1: the recipient matches *@*.corp.test',
      'Way 1       smtp+starttls://relay.test:587, account work',
      '  Sender    alerts@example.org',
      '  From      alerts@example.org',
      '  Host      0 relay.test: 192.0.2.25',
      expect.stringMatching(/^ {2}TLS {7}by STARTTLS, or not at all; .* \(system\); TLSv1\.2 or newer$/),
      '  Login     as ann@example.org by the best mechanism that is offered, password from command pass',
      '  Network   IPv4 only, EHLO vm.example.org',
      expect.stringMatching(/^ {2}Limits {4}30 messages in 1m, 100 recipients in a transaction, /),
      'Way 2       mx to sub.corp.test',
      '  Failure   domain "sub.corp.test" does not exist (5.1.2)',
      'Retry       after 1m, 5m, 15m, 30m, 1h, then every 2h; the sender is told after 4h; it comes back after 5d',
      '',
      'Recipient   bob@vm.example.org',
      'Route       the rest',
      'Way         mx to vm.example.org',
      '  Failure   domain "vm.example.org" does not exist (5.1.2)',
      'Result      failed (5.1.2): domain "vm.example.org" does not exist',
      '',
    ]);
    expect(steps.filter((step) => /^(?:secret|message|deliver|drain|signals)/.test(step))).toEqual([]);
  });

  it('shows MX hosts in their order, with opportunistic TLS', async () => {
    const { exit, out } = await explain('ann@example.org');
    expect(exit).toBe(0);
    expect(out).toContain(
      [
        'Way         mx to example.org, port 25',
        '  Host      10 mx1.example.org: 2001:db8::1, 192.0.2.1',
        '  Host      20 mx2.example.org: 192.0.2.2',
        '  TLS       by STARTTLS where it is offered; any certificate will do; TLSv1.2 or newer',
        '',
      ].join('\n'),
    );
  });

  it('asks routes about the sender and user it is told', async () => {
    const root = await explain('--uid', '0', '--from', 'cron@x.test', 'ann@example.org');
    expect(root.out).toContain('Route       route 2: the sender matches cron@*, the user id is 0\n');
    expect(root.out).toContain('Way         maildir:/var/mail/%u\n  Mailbox   /var/mail/ann\n');
    expect((await explain('--from', 'cron@x.test', 'ann@example.org')).out).toContain('Route       the rest\n');
    expect((await explain('--uid', '77', 'ann@example.org')).out).toContain('Sender      uid77@vm.example.org\n');
    expect((await explain('--from', '<>', 'ann@example.org')).out).toContain('Sender      <>\n');
  });

  it('goes the way that an option or a variable names', async () => {
    const relay = await explain('--relay', 'smtp://127.0.0.1:2525', 'ann@example.org');
    expect(relay.out).toContain(
      'Route       the relay asked for\nWay         smtp://127.0.0.1:2525\n  Host      127.0.0.1\n',
    );
    const words = ['explain', 'ann@example.org'];
    const account = await play(words, { zones, files }, { env: { POSTHASTE_ACCOUNT: 'work' } });
    expect(account.out).toContain('Route       account work\n');
  });

  it('is one JSON object when asked for', async () => {
    const { out, exit } = await explain('--json', 'root', 'a@@b');
    expect(readJson(out)).toMatchObject({
      version: 1,
      exit,
      sender: 'me@vm.example.org',
      uid: 1000,
      addresses: [
        { address: 'a@@b', refused: [{ address: 'a@@b' }], recipients: [] },
        { address: 'root@vm.example.org', recipients: ['ann@sub.corp.test', 'bob@vm.example.org'] },
      ],
      recipients: [
        {
          recipient: 'ann@sub.corp.test',
          rule: 'route 1',
          match: { recipient: '*@*.corp.test' },
          ways: [
            {
              way: 'smtp+starttls://relay.test:587',
              account: 'work',
              sender: 'alerts@example.org',
              port: 587,
              hosts: [{ name: 'relay.test', addresses: ['192.0.2.25'] }],
              tls: { mode: 'starttls', check: 'chain', ca: 'system' },
              login: { user: 'ann@example.org', password: ['command pass'] },
              network: { hello: 'vm.example.org', ip: '4', source: [] },
              limits: { recipients: 100, rate: { messages: 30, milliseconds: 60_000 } },
            },
            { way: 'mx', destination: 'sub.corp.test', status: '5.1.2' },
          ],
          retry: { expire: 432_000_000 },
        },
        { recipient: 'bob@vm.example.org', outcome: 'failed', status: '5.1.2' },
      ],
    });
    expect(out).not.toMatch(/very-secret|opensesame/);
  });

  it('has the status of what is known to fail', async () => {
    expect((await explain('ann@nomail.example')).exit).toBe(68);
    expect((await explain('a@@b')).exit).toBe(65);
    expect((await explain('bad')).exit).toBe(65);
    const ca = { ...files, '/etc/posthaste/config.toml': 'relay = "smtps://relay.test"\n[tls]\nca = "/nowhere.pem"\n' };
    expect(await play(['explain', 'a@example.org'], { zones, files: ca })).toMatchObject({
      exit: 78,
      out: expect.stringMatching(/^ {2}Failure {3}Cannot read certificates "\/nowhere\.pem": no such file/m),
    });
  });

  it('says where a password would be looked for, and looks nowhere', async () => {
    const words = ['explain', '--relay', 'smtps://me@relay.test', 'a@example.org'];
    const at = async (env: Readonly<Record<string, string>>) => (await play(words, { zones, files }, { env })).out;
    expect(await at({})).toMatch(/ password from ~\/\.netrc or ~\/\.authinfo or the keyring$/m);
    expect(await at({ POSTHASTE_PASSWORD: 'x' })).toMatch(/ password from variable POSTHASTE_PASSWORD$/m);
    expect(await at({ POSTHASTE_PASSWORD_FILE: '/p' })).toMatch(/ password from file \/p$/m);
    expect(await at({ CREDENTIALS_DIRECTORY: '/c' })).toMatch(
      / from credential posthaste\.password or ~\/\.netrc or /m,
    );
  });

  it('wants an address, and a number for a user', async () => {
    expect(await explain()).toMatchObject({ exit: 64, err: 'posthaste: Cannot explain: no address was given\n' });
    expect(await explain('--uid', 'me', 'a@b.test')).toMatchObject({
      exit: 64,
      err: expect.stringMatching(/--uid "me"/),
    });
    expect(await explain('--uid', '4294967295', 'a@b.test')).toMatchObject({ exit: 64 });
    expect((await explain('--help')).out).toMatch(/^Usage: posthaste explain /);
    expect(await explain('--jsn', 'a@b.test')).toMatchObject({ exit: 64, err: expect.stringMatching(/--json/) });
  });
});
