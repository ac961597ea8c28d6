import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { scratchFolder } from '../support/spool.ts';
import { type FakeOptions, type Over, play, readJson } from './fake-surroundings.ts';

const SYSTEM = '/etc/posthaste/config.toml';
const PART = '/etc/posthaste/conf.d/10-work.toml';
const OWN = '/home/me/.config/posthaste/config.toml';
const HOME = { HOME: '/home/me' };

const config = (words: readonly string[], files: FakeOptions['files'] = {}, over: Over = {}) =>
  play(['config', ...words], { files }, { env: HOME, ...over });

describe('posthaste config', () => {
  it('says what it can do', async () => {
    const { out, exit } = await config([]);
    expect([exit, out]).toEqual([0, (await config(['--help'])).out]);
    for (const name of ['check', 'show', 'path', 'init', 'import', 'schema']) expect(out).toMatch(`\n  ${name} `);
    expect((await config(['show', '--help'])).out).toContain('Usage: posthaste config show [options]\n');
  });

  it.each([
    [['nonsense'], 'unknown command "nonsense", known are check, show, path, init, schema, import'],
    [['constructor'], 'unknown command "constructor", known are check, show, path, init, schema, import'],
    [['show', 'x'], 'show takes no "x"'],
    [['check', 'x', 'y'], 'check takes no "y"'],
    [['show', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
  ])('refuses %j', async (words, reason) => {
    expect(await config(words)).toMatchObject({
      exit: 64,
      out: '',
      err: `posthaste: Cannot read command line: ${reason}\n`,
    });
  });
});

describe('posthaste config path', () => {
  it('tells of each file whether it is read', async () => {
    const files = { [SYSTEM]: '', [PART]: '', '/etc/posthaste/conf.d/.10.toml': '', '/etc/posthaste/conf.d/x': '' };
    expect(await config(['path'], files)).toMatchObject({
      exit: 0,
      out: `${SYSTEM}  read\n${PART}  read\n${OWN}  not there\n`,
    });
  });

  it('tells why a file is not', async () => {
    const refuse = (code: string) => () => {
      throw Object.assign(new Error(code), { code });
    };
    expect((await config(['path'], {}, { findConfig: refuse('EACCES'), listFolder: refuse('EACCES') })).out).toBe(
      [SYSTEM, '/etc/posthaste/conf.d', OWN]
        .map((file) => `${file}  refused: you (user id 1000) may not read it\n`)
        .join(''),
    );
    const foreign = { bytes: Buffer.from(''), uid: 7 };
    expect((await config(['path'], {}, { findConfig: (file) => (file === OWN ? foreign : undefined) })).out).toBe(
      `${SYSTEM}  not there\n${OWN}  refused: it belongs to user id 7, and not to you (1000)\n`,
    );
  });

  it('names the only file where one was named', async () => {
    expect((await config(['path', '--config', 'a'], { a: '' })).out).toBe('/here/a  read\n');
    expect((await config(['path'], {}, { env: { POSTHASTE_CONFIG: 'b' } })).out).toBe(
      '/here/b  refused: no such file or directory\n',
    );
  });
});

describe('posthaste config check', () => {
  it('says nothing where all is right, and names the files when asked', async () => {
    const files = { [SYSTEM]: 'relay = "smtp://a.test"', [OWN]: 'from = "me@a.test"' };
    expect(await config(['check'], files)).toMatchObject({ exit: 0, out: '', err: '' });
    expect((await config(['check', '-v'], files)).out).toBe(`${SYSTEM}  right\n${OWN}  right\n`);
    expect((await config(['check', '-v'])).out).toBe('there is no file, and none is needed\n');
  });

  it('tells all that is wrong with all files', async () => {
    const files = { [SYSTEM]: 'relais = "x"\nlocal = "nowhere"', [PART]: 'a = ', [OWN]: 'mx.port = 0' };
    const { exit, err } = await config(['check'], files);
    expect(exit).toBe(78);
    expect(err.match(/^posthaste: Cannot \w+ configuration: \S+?:\d+/gm)).toEqual([
      `posthaste: Cannot use configuration: ${SYSTEM}:1`,
      `posthaste: Cannot use configuration: ${SYSTEM}:2`,
      `posthaste: Cannot read configuration: ${PART}:1`,
      `posthaste: Cannot use configuration: ${OWN}:1`,
    ]);
  });

  it('checks one file as though it were the only one', async () => {
    const files = { [SYSTEM]: 'nonsense', a: 'default_account = "work"' };
    expect(await config(['check', 'a'], files)).toMatchObject({
      exit: 78,
      err: 'posthaste: Cannot use configuration: /here/a:1: no account is called "work": there is none\n',
    });
  });

  it('tells each thing that is named and can not be used', async () => {
    const files = {
      [SYSTEM]: '[account.work]\nuser = "x"\n[account.home]\nurl = "smtp://a.test"\npassword_file = "p"\n',
      [OWN]:
        '[[route]]\nvia = "mx"\n\n[[route]]\ntls.ca = "none.pem"\nvia = ["mx", "account:gone"]\n[[route]]\ntls.ca = "gone.pem"\n',
    };
    expect(await config(['check'], files)).toMatchObject({
      exit: 78,
      err: [
        `Cannot use configuration: ${SYSTEM}:2: account "work" has no "url"`,
        'Cannot use account "home": the relay’s URL has no user, as in smtps://user@host (/etc/posthaste/config.toml:5)',
        `Cannot use configuration: ${OWN}:6: no account is called "gone": there are work, home`,
        'Cannot read certificates "/home/me/.config/posthaste/gone.pem": no such file or directory',
      ]
        .map((text) => `posthaste: ${text}\n`)
        .join(''),
    });
  });

  it('looks into password files, and runs no command', async () => {
    const asked: unknown[] = [];
    const over: Over = {
      async findSecret(request) {
        asked.push(request);
        return 'secret';
      },
    };
    const text = '[account.a]\nurl = "smtp://u@a.test"\npassword_file = "/p"\n';
    const other = '[account.b]\nurl = "smtp://u@a.test"\npassword_command = "rm -r /"\n';
    expect(await config(['check'], { [OWN]: text + other }, over)).toMatchObject({ exit: 0, out: '', err: '' });
    expect(asked).toMatchObject([{ passwordFile: '/p' }]);
  });

  it('warns of variables that nobody reads', async () => {
    const env = { POSTHASTE_URI: 'mx', POSTHASTE_SOMETHING_ELSE: '', POSTHASTE_STATE: '/s', POSTHASTE: '1' };
    expect(await config(['check'], {}, { env })).toMatchObject({
      exit: 0,
      err:
        'posthaste: warning: unknown variable POSTHASTE_URI, did you mean POSTHASTE_URL?\n' +
        'posthaste: warning: unknown variable POSTHASTE_SOMETHING_ELSE\n',
    });
    expect(await config(['check'], {}, { env: { POSTHASTE_TLS: 'no' } })).toMatchObject({ exit: 78 });
  });
});

describe('posthaste config show', () => {
  const files = {
    [SYSTEM]: [
      'relay = "smtps://ann@a.test"',
      'password_command = "pass show mail"',
      'proxy = "socks5://u:geheim@127.0.0.1:1080"',
      'tls.ca = "node"',
      '[account.work]',
      'url = "smtp://b.test"',
      'tls.level = "none"',
      '[[route]]',
      'recipient = ["c.test"]',
      'sender = "<>"',
    ].join('\n'),
    [OWN]: 'tls.level = "encrypt"\n[account.work]\ntls.level = "may"\n[[route]]\nvia = "mx"\nrecipient = "d.test"\n',
  };

  it('tells of each value where it comes from, without secrets', async () => {
    const { out, exit } = await config(['show', '--tls-ca', '/ca'], files, {
      env: { ...HOME, POSTHASTE_FROM: 'x@y.test' },
    });
    expect(exit).toBe(0);
    for (const line of [
      `relay = "smtps://ann@a.test"  # ${SYSTEM}:1`,
      `password_command = "pass ***"  # ${SYSTEM}:2`,
      `proxy = "socks5://u:***@127.0.0.1:1080"  # ${SYSTEM}:3`,
      'from = "x@y.test"  # POSTHASTE_FROM',
      'tls.ca = "/ca"  # --tls-ca',
      `tls.level = "encrypt"  # ${OWN}:1`,
      'expire = "5d"  # default',
      `account.work.url = "smtp://b.test"  # ${SYSTEM}:6`,
      `account.work.tls.level = "may"  # ${OWN}:3`,
    ])
      expect(out.split('\n')).toContain(line);
    expect(out).toContain(
      `\n[[route]]\nvia = "mx"  # ${OWN}:5\nrecipient = "d.test"  # ${OWN}:6\n` +
        `\n[[route]]\nrecipient = ["c.test"]  # ${SYSTEM}:9\n`,
    );
    expect(out).not.toContain('geheim');
    // Names of keys are told once.
    const keys = out.slice(0, out.indexOf('[[route]]')).match(/^\S+(?= = )/gm) ?? [];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('prints a file that can be read', async () => {
    const reading = await readConfig((await config(['show'], files)).out, 'p.toml');
    expect(reading).toMatchObject({ ok: true });
  });

  it('says that a relay of the caller takes all mail, without the login of another', async () => {
    const { out } = await config(['show', '--relay', 'mx'], files);
    expect(out).toMatch(/^# All mail goes the way that --relay names: /);
    expect(out).toContain('\nrelay = "mx"  # --relay\n');
    expect(out).not.toContain('password_command');
    expect((await config(['show'], files, { env: { ...HOME, POSTHASTE_ACCOUNT: 'work' } })).out).toContain(
      '\ndefault_account = "work"  # POSTHASTE_ACCOUNT\n',
    );
  });

  it('prints JSON', async () => {
    const { out } = await config(['show', '--json'], { [OWN]: 'account.x.url = "mx"\nroute = [{ uid = [0] }]' });
    const { version, settings } = readJson(out);
    expect(version).toBe(1);
    const from = (line: number) => ({ kind: 'file', file: OWN, line });
    expect(settings).toContainEqual({ key: 'mx.port', value: 25, from: { kind: 'default' } });
    expect(settings).toContainEqual({ key: 'account.x.url', value: 'mx', from: from(1) });
    expect(settings).toContainEqual({ key: 'route.0.uid', value: [0], from: from(2) });
  });

  it('ends with 78 where a file is wrong, and with 64 where an option is', async () => {
    expect(await config(['show'], { [OWN]: 'x = 1' })).toMatchObject({ exit: 78, out: '' });
    expect(await config(['show', '--tls', 'x'])).toMatchObject({ exit: 64, out: '' });
    expect(await config(['show'], {}, { env: {} })).toMatchObject({ exit: 0 });
  });
});

describe('posthaste config init', () => {
  const place = () => {
    const folder = scratchFolder();
    return { folder, file: join(folder, 'posthaste/config.toml'), env: { XDG_CONFIG_HOME: folder } };
  };

  it('writes a file that passes the check, closed to others, and never over another', async () => {
    const { file, env } = place();
    const words = [
      'init',
      '--relay',
      'smtps://ann%40a.test@smtp.a.test',
      '--from',
      'ann@a.test',
      '--password-file',
      'p',
    ];
    expect(await config(words, {}, { env })).toMatchObject({ exit: 0, out: `wrote ${file}\n`, err: '' });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('\nrelay = "smtps://ann%40a.test@smtp.a.test"\n');
    expect(text).toContain('\npassword_file = "/here/p"\n');
    expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await config(['check'], { [file]: text }, { env })).toMatchObject({ exit: 0, err: '' });
    writeFileSync(file, 'mine');
    expect(await config(words, {}, { env })).toMatchObject({
      exit: 73,
      err: `posthaste: Cannot write "${file}": it is there; --force replaces it\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(await config([...words, '--force'], {}, { env })).toMatchObject({ exit: 0 });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('has each line that is commented out ready to be used', async () => {
    const { file, env } = place();
    await config(['init', '--relay', 'mx'], {}, { env });
    const text = readFileSync(file, 'utf8').replaceAll(/^#(?=[a-z[])/gm, '');
    const [ready = ''] = text.split('\npassword_command');
    expect(await readConfig(ready, file)).toMatchObject({ ok: true });
    expect(await readConfig(text.replace(/^password_command.*\n/m, ''), file)).toMatchObject({ ok: true });
  });

  it('asks where somebody is there, and again where the answer can not be used', async () => {
    const { file, env } = place();
    const answers = 'smtps//x\nsmtps://a.test\nann\n\nnobody at all\nann@a.test\nann@b.test\n';
    const over: Over = { env, isTyped: async () => true };
    const done = await play(['config', 'init'], { message: answers }, over);
    expect(done).toMatchObject({ exit: 0, out: `wrote ${file}\n` });
    expect(done.err.match(/\?|: (?=[A-Z]|$)/g)?.length).toBeGreaterThan(4);
    const reading = await readConfig(readFileSync(file, 'utf8'), file);
    expect(reading).toMatchObject({
      ok: true,
      overrides: { relay: 'smtps://ann@a.test', from: 'ann@a.test', aliases: { root: 'ann@b.test' }, login: {} },
    });
    const early = place();
    expect(await play(['config', 'init'], { message: 'mx\n' }, { ...over, env: early.env })).toMatchObject({
      exit: 64,
      out: '',
    });
    expect(() => statSync(early.file)).toThrow('ENOENT');
  });

  it.each([
    [['init'], 64, 'Cannot write configuration: name --relay, as nobody is here to be asked'],
    [['init', '--user', '--system', '--relay', 'mx'], 64, 'Cannot write configuration: say either --user or --system'],
    [['init', '--relay', 'account:x'], 64, 'Cannot write configuration: there is no account yet'],
    [
      ['init', '--relay', 'mx', '--from', 'x y'],
      64,
      'Cannot write configuration: "x y" must be an address, with "%u" for the user and "%h" for the host',
    ],
  ])('refuses %j', async (words, exit, text) => {
    const { file, env } = place();
    expect(await config(words, {}, { env })).toMatchObject({ exit, out: '', err: `posthaste: ${text}\n` });
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  it('tells where the file can not be written', async () => {
    const { folder, env } = place();
    writeFileSync(join(folder, 'posthaste'), '');
    expect(await config(['init', '--relay', 'mx'], {}, { env })).toMatchObject({ exit: 73, out: '' });
    mkdirSync(join(folder, 'x'));
    expect(await config(['init', '--user', '--relay', 'mx'], {}, { env: {} })).toMatchObject({
      exit: 73,
      err: 'posthaste: Cannot write configuration: you have no home folder\n',
    });
  });
});
