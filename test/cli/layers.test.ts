import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withEnvironment } from '../../src/cli/environment.ts';
import { CommandError } from '../../src/cli/failure.ts';
import { readLayers, settingsOf } from '../../src/cli/layers.ts';
import { readMeans } from '../../src/cli/means.ts';
import { readCommandLine } from '../../src/cli/program.ts';
import { readValues } from '../../src/cli/values.ts';
import { run } from '../support/run.ts';
import { scratchFolder } from '../support/spool.ts';
import { fakeSurroundings, type Over } from './fake-surroundings.ts';

const SYSTEM = '/etc/posthaste/config.toml';
const part = (name: string): string => `/etc/posthaste/conf.d/${name}.toml`;
const OWN = '/home/me/.config/posthaste/config.toml';

interface Scene {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
  readonly over?: Over;
}

/** What holds for all mail, when `posthaste send` is called so. */
async function held({ files = {}, env = {}, words = [], over = {} }: Scene) {
  const around = fakeSurroundings({ files }, { env: { HOME: '/home/me', ...env }, ...over });
  const line = readCommandLine([...words, 'bob@b.test']);
  if (line.kind !== 'send') throw new Error(line.kind);
  const options = withEnvironment(readValues(line.given, line.words), around.env);
  const { settings, table } = await readMeans(options, around);
  return { settings, table, outlet: table.rest.outlets[0] };
}

/** Each says more than the one before. */
const LAYERS: readonly Scene[] = [
  {
    files: {
      [SYSTEM]: 'hostname = "1.test"\ntls.level = "none"\ntls.ca = "/1"\nrelay = "smtp://1.test"\nfrom = "1@a.test"',
    },
  },
  { files: { [part('20')]: 'hostname = "2.test"\ntls.ca = "/2"\nrelay = "smtp://2.test"\nfrom = "2@a.test"' } },
  { files: { [part('30')]: 'hostname = "3.test"\ntls.ca = "/3"\nrelay = "smtp://3.test"\nfrom = "3@a.test"' } },
  { files: { [OWN]: 'hostname = "4.test"\ntls.ca = "/4"\nrelay = "smtp://4.test"\nfrom = "4@a.test"' } },
  {
    env: {
      ...{ POSTHASTE_HOSTNAME: '5.test', POSTHASTE_TLS_CA: '/5', POSTHASTE_URL: 'smtp://5.test' },
      POSTHASTE_FROM: '5@a.test',
    },
  },
  { words: ['--tls-ca', '/6', '--relay', 'smtp://6.test'] },
];

describe('readLayers() and what goes over them', () => {
  for (const [index] of LAYERS.entries()) {
    const given = LAYERS.slice(0, index + 1);
    it(`has the last of ${index + 1} layers`, async () => {
      const { settings, outlet } = await held({
        files: Object.assign({}, ...given.map(({ files }) => files)),
        env: Object.assign({}, ...given.map(({ env }) => env)),
        words: given.flatMap(({ words = [] }) => words),
      });
      // There are no options for these two.
      const most = Math.min(index + 1, 5);
      expect([settings.hostname, settings.from]).toEqual([`${most}.test`, `${most}@a.test`]);
      expect(outlet.settings.tls).toMatchObject({ level: 'none', ca: `/${index + 1}` });
      expect(outlet.via).toMatchObject({ kind: 'relay', relay: { host: `${index + 1}.test` } });
    });
  }

  it('reads conf.d by name, and of it only what ends in .toml and is not hidden', async () => {
    const say = (text: string): string => `from = "${text}@a.test"`;
    const files = {
      [part('b')]: say('b'),
      [part('a')]: say('a'),
      [part('B')]: say('B'),
      '/etc/posthaste/conf.d/z.toml~': say('z'),
      '/etc/posthaste/conf.d/z.conf': say('z'),
      [part('.z')]: say('z'),
    };
    const layers = await readLayers(undefined, fakeSurroundings({ files }, { env: {} }));
    expect(layers.map(({ file }) => file)).toEqual([part('B'), part('a'), part('b')]);
    expect(settingsOf(layers).from).toBe('b@a.test');
  });

  it('merges tables, accounts and aliases, and puts routes of later files first', async () => {
    const { settings } = await held({
      files: {
        [SYSTEM]:
          '[limits]\nsessions = 1\nrecipients = 1\n[aliases]\na = "x"\nb = "x"\n[account.w]\nurl = "mx"\nuser = "u"\n[[route]]\nrecipient = "s.test"\nvia = "mx"',
        [OWN]:
          '[limits]\nsessions = 2\n[aliases]\nb = "y"\n[account.w]\nuser = "v"\n[[route]]\nrecipient = "o.test"\nvia = "account:w"',
      },
    });
    expect(settings.limits).toMatchObject({ sessions: 2, recipients: 1 });
    expect(settings.aliases).toEqual({ a: 'x', b: 'y' });
    expect(settings.accounts.w).toMatchObject({ url: 'mx', user: 'v' });
    expect(settings.routes.map(({ recipients }) => recipients)).toEqual([['*@o.test'], ['*@s.test']]);
  });

  it.each<readonly [Scene['env'], Scene['words'], string | undefined, string]>([
    [{ POSTHASTE_ACCOUNT: 'a' }, [], 'a', 'a.test'],
    [{ POSTHASTE_ACCOUNT: 'a', POSTHASTE_URL: 'smtp://u.test' }, [], undefined, 'u.test'],
    [{ POSTHASTE_URL: 'smtp://u.test' }, ['--account', 'a'], 'a', 'a.test'],
    [{ POSTHASTE_ACCOUNT: 'a' }, ['--relay', 'smtp://o.test'], undefined, 'o.test'],
    [{ POSTHASTE_URL: '', POSTHASTE_ACCOUNT: '' }, [], undefined, 'r.test'],
  ])('chooses the way by %j and %j', async (env = {}, words = [], account, host) => {
    const files = { [SYSTEM]: 'relay = "smtp://r.test"\n[account.a]\nurl = "smtp://a.test"' };
    const { outlet } = await held({ files, env, words });
    expect(outlet).toMatchObject({ via: { relay: { host } }, ...(account === undefined ? {} : { account }) });
  });

  it('reads only the file that was named', async () => {
    const files = { [SYSTEM]: 'nonsense', a: 'from = "a@a.test"', b: 'from = "b@a.test"' };
    expect((await held({ files, words: ['--config', 'a'], env: { POSTHASTE_CONFIG: 'b' } })).settings.from).toBe(
      'a@a.test',
    );
    expect((await held({ files, env: { POSTHASTE_CONFIG: 'b' } })).settings.from).toBe('b@a.test');
  });

  it.each<readonly [string, Readonly<Record<string, string>>, string | undefined, string | undefined]>([
    ['HOME', { HOME: '/h' }, '/p', '/h/.config/posthaste/config.toml'],
    ['the home of the password database', {}, '/p', '/p/.config/posthaste/config.toml'],
    ['it where HOME is relative', { HOME: 'h' }, '/p', '/p/.config/posthaste/config.toml'],
    ['it where HOME is empty', { HOME: '' }, '/p', '/p/.config/posthaste/config.toml'],
    ['XDG_CONFIG_HOME', { HOME: '/h', XDG_CONFIG_HOME: '/x' }, '/p', '/x/posthaste/config.toml'],
    [
      'HOME where XDG_CONFIG_HOME is relative',
      { HOME: '/h', XDG_CONFIG_HOME: 'x' },
      '/p',
      '/h/.config/posthaste/config.toml',
    ],
    ['nothing where there is no home', {}, undefined, undefined],
  ])('finds the user’s file by %s', async (_, env, home, want) => {
    const looked: string[] = [];
    const findConfig = (file: string) => void looked.push(file);
    await readLayers(undefined, fakeSurroundings({}, { env, home: () => home, findConfig }));
    expect(looked).toEqual([SYSTEM, ...(want === undefined ? [] : [want])]);
  });
});

describe('readLayers() when a file can not be used', () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };
  const fault = async (scene: Scene) => {
    const error = await held(scene).catch((reason: unknown) => reason);
    return error instanceof CommandError ? [error.exit, error.message] : error;
  };
  const rows: readonly (readonly [string, Scene, number, string])[] = [
    ['is not there', { words: ['--config', 'x'] }, 78, 'Cannot read configuration: file "x" does not exist'],
    [
      'may not be read',
      { over: { findConfig: failing('EACCES') } },
      77,
      `Cannot read configuration: file "${SYSTEM}": you (user id 1000) may not read it`,
    ],
    [
      'is in a folder that may not be read',
      {
        over: {
          listFolder: failing('EACCES'),
          findConfig: (file) => (file.endsWith('conf.d') ? failing('EACCES')() : undefined),
        },
      },
      77,
      'Cannot read configuration: file "/etc/posthaste/conf.d": you (user id 1000) may not read it',
    ],
    [
      'can not be read',
      { over: { findConfig: failing('EIO') } },
      78,
      `Cannot read configuration: file "${SYSTEM}": it can't be read (EIO)`,
    ],
    [
      'was named and may not be read',
      { words: ['--config', 'x'], over: { readFile: async () => failing('EACCES')() } },
      77,
      'Cannot read configuration: file "x" can\'t be read (EACCES)',
    ],
    [
      'is another’s',
      { over: { findConfig: (file) => (file === OWN ? { bytes: Buffer.from(''), uid: 8 } : undefined) } },
      78,
      `Cannot use configuration: file "${OWN}": it belongs to user id 8, and not to you (1000)`,
    ],
    [
      'is wrong',
      { files: { [part('x')]: 'a = 1\n\nmx.port = 0' } },
      78,
      expect.stringContaining(`Cannot use configuration: ${part('x')}:1: unknown key "a", `),
    ],
    [
      'has a route to no account',
      { files: { [SYSTEM]: '[[route]]\nvia = "mx"', [OWN]: '\n[[route]]\nvia = "account:x"' } },
      78,
      `Cannot use configuration: ${OWN}:3: no account is called "x": there is none`,
    ],
    [
      'has no such account',
      { files: { [SYSTEM]: 'default_account = "x"' } },
      78,
      'Cannot use configuration: no account is called "x": there is none',
    ],
    [
      'is not asked for an account',
      { words: ['-a', 'x'] },
      64,
      'Cannot use account "x": no account is called "x": there is none',
    ],
    [
      'needs a home',
      { files: { [SYSTEM]: 'from = "a@b.test"\nlocal = "maildir:~/M"' }, env: { HOME: '' } },
      78,
      `Cannot use configuration: ${SYSTEM}:2: "local" must be a path without "~/": you have no home folder`,
    ],
    [
      'is a variable',
      { env: { POSTHASTE_TLS: 'always' } },
      78,
      'Cannot use POSTHASTE_TLS "always": it must be none, may, encrypt, verify',
    ],
    [
      'is the variable of an address',
      { env: { POSTHASTE_FROM: 'a b' } },
      78,
      'Cannot use POSTHASTE_FROM "a b": it must be an address, with "%u" for the user and "%h" for the host',
    ],
    [
      'is the variable of a name',
      { env: { POSTHASTE_HOSTNAME: 'localhost' } },
      78,
      'Cannot use POSTHASTE_HOSTNAME "localhost": it must be a name that others know this host by',
    ],
  ];
  for (const [what, scene, exit, text] of rows) {
    it(`ends with ${exit} where it ${what}`, async () => expect(await fault(scene)).toEqual([exit, text]));
  }

  it('takes root’s file for anybody’s', async () => {
    const findConfig = (file: string) => (file === OWN ? { bytes: Buffer.from('dsn = false'), uid: 0 } : undefined);
    expect((await held({ over: { findConfig } })).settings.dsn).toBe(false);
  });
});

const BIN = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));

describe('the built command', () => {
  const place = (text: string) => {
    const folder = scratchFolder();
    const file = join(folder, 'posthaste/config.toml');
    mkdirSync(dirname(file));
    writeFileSync(file, text);
    return { folder, file };
  };
  const env = (folder: string, more: Readonly<Record<string, string>> = {}) => ({
    ...{
      PATH: '/usr/bin:/bin',
      HOME: '/nowhere',
      XDG_CONFIG_HOME: folder,
      POSTHASTE_STATE: join(folder, 'state'),
      ...more,
    },
  });
  const shown = async (folder: string, more: Readonly<Record<string, string>>, ...words: readonly string[]) => {
    const { stdout } = await run(BIN, ['config', 'show', ...words], { env: env(folder, more) });
    return stdout.match(/^(?:relay|from) = .*/gm);
  };

  it('shows what holds: file, variable, option', async () => {
    const { folder, file } = place('relay = "smtp://f.test"\nfrom = "f@a.test"\n');
    expect(await shown(folder, {})).toEqual([`from = "f@a.test"  # ${file}:2`, `relay = "smtp://f.test"  # ${file}:1`]);
    expect(await shown(folder, { POSTHASTE_URL: 'mx' })).toContain('relay = "mx"  # POSTHASTE_URL');
    expect(await shown(folder, { POSTHASTE_URL: 'mx' }, '--relay', 'discard')).toContain(
      'relay = "discard"  # --relay',
    );
  });

  it('sends nothing with a file that is wrong, and check says the same', async () => {
    const { folder, file } = place('relay = "file:out"\nform = "f@a.test"\n');
    const text = `posthaste: Cannot use configuration: ${file}:2: unknown key "form", did you mean "from"?\n`;
    const stdin = 'Subject: x\n\nx\n';
    expect(await run(BIN, ['bob@b.test'], { env: env(folder), stdin })).toEqual({
      status: 78,
      stdout: '',
      stderr: text,
    });
    expect(await run(BIN, ['config', 'check'], { env: env(folder) })).toEqual({ status: 78, stdout: '', stderr: text });
  });

  it('reads a file that has changed, after it was remembered', async () => {
    const { folder, file } = place('relay = "file:out"\n');
    const send = () => run(BIN, ['bob@b.test'], { env: env(folder), stdin: 'Subject: x\n\nx\n' });
    const sent = () =>
      readdirSync(join(folder, 'posthaste'))
        .filter((name) => name !== 'config.toml')
        .sort();
    expect(await send()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(folder, 'state/config-memory'), 'utf8')).toContain('file:out');
    expect(await send()).toEqual({ status: 0, stdout: '', stderr: '' });
    writeFileSync(file, 'relay = "file:elsewhere"\n');
    expect(await send()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(sent()).toEqual(expect.arrayContaining(['elsewhere', 'out']));
    expect(readdirSync(join(folder, 'posthaste/elsewhere')).filter((name) => name.endsWith('.eml'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'posthaste/out')).filter((name) => name.endsWith('.eml'))).toHaveLength(2);
    writeFileSync(file, 'relay = 1\n');
    expect(await send()).toMatchObject({ status: 78 });
  });

  it('sends nothing by what is no file', async () => {
    const { file, folder } = place('');
    const folderText = `posthaste: Cannot read configuration: file "${file}": it is a folder\n`;
    rmSync(file);
    mkdirSync(file);
    expect(await run(BIN, ['a@b.test'], { env: env(folder) })).toEqual({ status: 78, stdout: '', stderr: folderText });
    rmSync(file, { recursive: true });
    await run('mkfifo', [file]);
    const found = await run(BIN, ['a@b.test'], { env: env(folder) });
    expect([found.status, found.stderr]).toEqual([78, expect.stringMatching(/: it is a pipe$/m)]);
  });

  it('finds a password file that others can read', async () => {
    const { folder } = place('relay = "smtps://u@a.test"\npassword_file = "p"\n');
    const secret = join(folder, 'posthaste/p');
    writeFileSync(secret, 'geheim\n');
    chmodSync(secret, 0o644);
    const found = await run(BIN, ['config', 'check'], { env: env(folder) });
    expect(found.status).toBe(78);
    expect(found.stderr).toContain(`file "${secret}" is open to others (mode 0644): "chmod 600" closes it, and`);
    const allowed = place(`relay = "smtps://u@a.test"\npassword_file = "${secret}"\nopen_password_file = true\n`);
    expect(await run(BIN, ['config', 'check'], { env: env(allowed.folder) })).toMatchObject({ status: 0, stderr: '' });
    chmodSync(secret, 0o600);
    expect(await run(BIN, ['config', 'check'], { env: env(folder) })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('begins with a file that passes its own check', async () => {
    const folder = scratchFolder();
    const words = ['config', 'init', '--user', '--relay', 'file:outbox', '--from', 'ann@a.test'];
    expect(await run(BIN, words, { env: env(folder) })).toMatchObject({ status: 0, stderr: '' });
    expect(await run(BIN, ['config', 'check', '-v'], { env: env(folder) })).toMatchObject({
      status: 0,
      stdout: `${join(folder, 'posthaste/config.toml')}  right\n`,
    });
    expect(await run(BIN, words, { env: env(folder) })).toMatchObject({ status: 73, stdout: '' });
  });

  it('prints the schema that it ships', async () => {
    const { stdout } = await run(BIN, ['config', 'schema'], { env: env('/nowhere') });
    expect(JSON.parse(stdout)).toMatchObject({ title: 'posthaste.toml', additionalProperties: false });
  });
});
