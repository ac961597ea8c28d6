import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { PASSWORD, startNpmServer } from '../interop/servers/smtp-server.ts';
import { createAuthority } from '../support/certificates.ts';
import { startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';
import { did, dpkg, filesOf, makeRoot, makeStub } from './dpkg-root.ts';

/*
 * The package as dpkg installs it, in a root and a database of its own, so that the machine keeps its sendmail. The
 * packages beside it are empty ones with the names and versions that count; its scripts run with DPKG_ROOT.
 */

const LAUNCHER = '/usr/lib/posthaste/bin/posthaste';
const COMMANDS: Readonly<Record<string, string>> = {
  '/usr/bin/posthaste': '--version',
  '/usr/sbin/sendmail': '-bV',
  '/usr/lib/sendmail': '-bV',
  '/usr/bin/mailq': '-bV',
  '/usr/bin/newaliases': '-bV',
  '/usr/sbin/runq': '-bV',
  '/usr/sbin/hoststat': '-bV',
  '/usr/sbin/purgestat': '-bV',
};
const MESSAGE = 'From: ann@example.org\nTo: bob@example.net\nSubject: hi\n\nHello\n.\n';
const ALLOWED = [
  /^\/usr\/lib\/posthaste\/(bin\/posthaste|dist\/(start|posthaste)\.cjs|dist\/posthaste\.schema\.json|dist\/chunks\/[\w.-]+\.cjs)$/,
  /^\/usr\/lib\/systemd\/system\/posthaste\.(service|timer|path)$/,
  /^\/etc\/((cron|logrotate)\.d\/posthaste|posthaste\/config\.toml)$/,
  /^\/usr\/share\/man\/man[1-8]\/[\w.-]+\.[1-8]\.gz$/,
  /^\/usr\/share\/doc\/posthaste\/(copyright|changelog\.gz|changelog\.Debian\.gz|README\.md\.gz)$/,
  /^\/usr\/share\/lintian\/overrides\/posthaste$/,
];

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const folder = mkdtempSync(join(tmpdir(), 'posthaste-deb-test-'));
const unpacked = join(folder, 'unpacked');
let root = '';
let deb = '';

/** The program is that of the last build. */
async function makeDeb(to: string): Promise<string> {
  return (await did(process.execPath, ['scripts/deb.mjs', join(folder, to)])).trim();
}

beforeAll(async () => {
  deb = await makeDeb('first');
  await did('dpkg-deb', ['-R', deb, unpacked]);
});
beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  root = makeRoot(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function dpkgDid(...words: readonly string[]): Promise<void> {
  expect(await dpkg(root, ...words)).toMatchObject({ status: 0 });
}

const stub = (name: string, version: string, fields: readonly string[] = []): Promise<string> =>
  makeStub(folder, [`Package: ${name}`, `Version: ${version}`, ...fields]);

/** As Debian 13 has it. */
const installNode = async (): Promise<void> => dpkgDid('-i', await stub('nodejs', '20.19.2+dfsg-1'));

/** What is in the root, but for what dpkg notes for itself. */
const installed = (): readonly string[] => filesOf(root).filter((path) => !/^\/var\/(lib\/dpkg|log\/dpkg)/.test(path));

const isLauncher = (path: string): boolean =>
  readFileSync(join(unpacked, path)).equals(readFileSync(join(unpacked, LAUNCHER)));

test('the package has the program, its names, its manual and its papers, and nothing else', () => {
  const files = filesOf(unpacked).filter((path) => !path.startsWith('/DEBIAN/'));
  const others = files.filter((path) => !ALLOWED.some((form) => form.test(path)));
  expect(others.toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
  expect(others.every(isLauncher)).toBe(true);
  for (const page of ['man1/posthaste.1.gz', 'man8/sendmail.8.gz', 'man1/mailq.1.gz', 'man1/newaliases.1.gz']) {
    expect(files).toContain(`/usr/share/man/${page}`);
  }
});

test('the package lists its files with their sums', () => {
  const lines = readFileSync(join(unpacked, 'DEBIAN/md5sums'), 'utf8').trim().split('\n');
  for (const line of lines) {
    const [sum, path = ''] = line.split('  ');
    expect(
      createHash('md5')
        .update(readFileSync(join(unpacked, path)))
        .digest('hex'),
      path,
    ).toBe(sum);
  }
  expect(lines.length).toBeGreaterThan(20);
});

test('the units and the line for cron are those of posthaste install --system', async () => {
  const words = ['install', '--system', '--print', '--spool=/var/spool/posthaste'];
  const printed = (await did(join(unpacked, LAUNCHER), words)).replaceAll(
    join(unpacked, LAUNCHER),
    '/usr/bin/posthaste',
  );
  for (const name of ['posthaste.service', 'posthaste.timer', 'posthaste.path']) {
    expect(printed).toContain(readFileSync(join(unpacked, 'usr/lib/systemd/system', name), 'utf8'));
  }
  const command = '/usr/bin/posthaste queue run --spool=/var/spool/posthaste\n';
  expect(printed).toContain(command);
  expect(readFileSync(join(unpacked, 'etc/cron.d/posthaste'), 'utf8')).toContain(` || ${command}`);
});

test('the same commit makes the same package, by any umask', async () => {
  const before = process.umask(0o077);
  try {
    expect(readFileSync(await makeDeb('second')).equals(readFileSync(deb))).toBe(true);
  } finally {
    process.umask(before);
  }
});

test('lintian finds no errors and no warnings', async () => {
  const { status, stdout } = await run('lintian', ['--allow-root', '--fail-on=error,warning', deb]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});

test('the configuration says nothing, and each line of it that is uncommented is one that the program takes', async () => {
  const text = readFileSync(join(unpacked, 'etc/posthaste/config.toml'), 'utf8');
  expect(text.split('\n').filter((row) => row !== '' && !row.startsWith('#'))).toEqual([]);
  expect(await readConfig(text, 'config.toml')).toMatchObject({ ok: true });
  const keys = text.replace(/^#(?=[a-z[])/gm, '');
  expect(keys.match(/^[a-z_]+ = /gm)?.length).toBeGreaterThan(8);
  expect(await readConfig(keys, 'config.toml')).toMatchObject({ ok: true });
});

test('dpkg refuses to set it up beside a Node that is too old', async () => {
  await dpkgDid('-i', await stub('nodejs', '18.19.0+dfsg-6~deb12u2'));
  const { status, stderr } = await dpkg(root, '-i', deb);
  expect(status).toBe(1);
  expect(stderr).toContain('posthaste depends on nodejs (>= 20.19~)');
});

test('it takes the place of another sendmail: dpkg does not have both, apt removes the other', async () => {
  const fields = ['Provides', 'Conflicts', 'Replaces'].map((field) => `${field}: mail-transport-agent`);
  await installNode();
  await dpkgDid('-i', await stub('exim4-daemon-light', '4.96', fields));
  expect(await dpkg(root, '-i', deb)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('conflicting packages'),
  });
  const settings = [
    `Dir::State::status=${root}/var/lib/dpkg/status`,
    `Dir::State::lists=${root}/lists`,
    `Dir::Cache=${root}/cache`,
    'Debug::NoLocking=1',
  ].flatMap((setting) => ['-o', setting]);
  const plan = await did('apt-get', [...settings, '--simulate', '--no-install-recommends', 'install', deb]);
  expect(plan).toMatch(/^Remv exim4-daemon-light [\s\S]*^Inst posthaste [\s\S]*^Conf posthaste /m);
});

test('every name of it works in an empty environment', async () => {
  await installNode();
  await dpkgDid('-i', deb);
  for (const [path, word] of Object.entries(COMMANDS)) {
    const ran = await run(join(root, path), [word], { env: {}, cwd: '/' });
    expect(ran, path).toEqual({ status: 0, stdout: `posthaste ${version}\n`, stderr: '' });
  }
});

test('it sends a message, in an empty environment', async () => {
  await installNode();
  await dpkgDid('-i', deb);
  const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.net' });
  try {
    const relay = ['--no-queue', '--relay', `smtp://127.0.0.1:${mx.port}`, '--tls', 'none'];
    const words = [...relay, '-f', 'ann@example.org', 'bob@example.net'];
    const sent = await run(join(root, 'usr/bin/posthaste'), words, { env: {}, stdin: MESSAGE, cwd: '/' });
    expect(sent).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(mx.messages[0]).toMatchObject({ sender: 'ann@example.org', recipients: ['bob@example.net'] });
  } finally {
    await mx.close();
  }
});

test('what it made goes with it: the cache at once, the queue, the log and what it learned when it is purged', async () => {
  await installNode();
  const before = installed();
  await dpkgDid('-i', deb);
  const units = installed().filter((path) => /^\/etc\/systemd\/.*\.wants\//.test(path));
  expect(units.map((path) => path.split('/').slice(-2).join('/')).toSorted()).toEqual([
    'multi-user.target.wants/posthaste.path',
    'timers.target.wants/posthaste.timer',
  ]);
  const cached = join(root, 'usr/lib/posthaste/dist/cache/posthaste');
  const queued = join(root, 'var/spool/posthaste/entry/one.json');
  const others = ['log/posthaste.log', 'log/posthaste.log.2.gz', 'lib/posthaste/tokens/gmail.json'];
  const kept = [queued, ...others.map((path) => join(root, 'var', path))];
  for (const path of [cached, ...kept]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
  await dpkgDid('-i', deb);
  expect([cached, ...kept].map(existsSync)).toEqual([false, true, true, true, true]);
  await dpkgDid('-r', 'posthaste');
  expect(existsSync(join(root, 'usr/lib/posthaste'))).toBe(false);
  expect(kept.map(existsSync)).toEqual([true, true, true, true]);
  await dpkgDid('-P', 'posthaste');
  expect(installed()).toEqual(before);
  expect(existsSync(join(root, 'var/spool/posthaste'))).toBe(false);
});

test('other users see nothing of the spool and put messages into its drop, and an upgrade leaves both as they are', async () => {
  const spool = join(root, 'var/spool/posthaste');
  const mode = async (path: string): Promise<string> => (await did('stat', ['-c', '%a', path])).trim();
  await installNode();
  await dpkgDid('-i', deb);
  expect([await mode(spool), await mode(join(spool, 'drop'))]).toEqual(['711', '1733']);
  chmodSync(spool, 0o750);
  rmSync(join(spool, 'drop'), { recursive: true });
  await dpkgDid('-i', deb);
  expect(await mode(spool)).toBe('750');
  expect(existsSync(join(spool, 'drop'))).toBe(false);
});

test('mail of a user goes out through a relay whose password is root’s alone', async () => {
  await installNode();
  await dpkgDid('-i', deb);
  for (const path of [folder, root]) chmodSync(path, 0o755);
  const authority = createAuthority();
  const server = await startNpmServer(authority.issue({ names: ['DNS:localhost'] }), {
    ...{ allowInsecureAuth: true, hideSTARTTLS: true, authOptional: false },
  });
  try {
    const rows = [
      `relay = "smtp://ann%40example.org@127.0.0.1:${server.port}"`,
      ...['auth = "PLAIN"', 'password_file = "password"', 'tls.level = "none"', 'domain = "example.org"'],
    ];
    writeFileSync(join(root, 'etc/posthaste/config.toml'), `${rows.join('\n')}\n`);
    writeFileSync(join(root, 'etc/posthaste/password'), `${PASSWORD}\n`, { mode: 0o600 });
    const spool = join(root, 'var/spool/posthaste');
    const uid = process.getuid?.() === 0 ? 12_345 : (process.getuid?.() ?? 0);
    const env = { POSTHASTE_DROP: join(spool, 'drop') };
    const sent = await run(join(root, 'usr/sbin/sendmail'), ['bob@example.net'], {
      uid,
      env,
      stdin: MESSAGE,
      cwd: '/',
    });
    expect(sent).toEqual({ status: 0, stdout: '', stderr: '' });
    const log = join(root, 'var/log/posthaste.log');
    const words = ['queue', 'run', `--spool=${spool}`, `--config=${join(root, 'etc/posthaste/config.toml')}`];
    expect(await run(join(root, 'usr/bin/posthaste'), words, { env: { POSTHASTE_LOG: log } })).toMatchObject({
      status: 0,
    });
    expect(server.logins).toEqual(['PLAIN right']);
    expect(readFileSync(log, 'utf8')).toContain(`"uid":${uid},`);
    expect((await server.mailbox.take())[0]?.toString()).toContain('Hello');
  } finally {
    await server.stop();
    authority.close();
  }
});

test('an administrator’s configuration survives an upgrade and a removal, and goes with a purge', async () => {
  const file = join(root, 'etc/posthaste/config.toml');
  await installNode();
  await dpkgDid('-i', deb);
  writeFileSync(file, 'domain = "example.org"\n');
  await dpkgDid('-i', deb);
  await dpkgDid('-r', 'posthaste');
  expect(readFileSync(file, 'utf8')).toBe('domain = "example.org"\n');
  await dpkgDid('-P', 'posthaste');
  expect(existsSync(join(root, 'etc/posthaste'))).toBe(false);
});
