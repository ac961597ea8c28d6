import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { did, filesOf, makeStub } from '../package/dpkg-root.ts';
import { type MxServer, startMx } from '../support/mx-server.ts';
import { type Ran, run } from '../support/run.ts';
import { blockAfter } from './readme.ts';

/*
 * The package in real Debians, each with its own dpkg, apt and libraries: installed beside nodejs, used by root and by a
 * user who can't read the relay's secret, upgraded while mail waits, and purged. Then as the README says.
 */

/** As in setup-releases.sh. */
const HOME = '/var/cache/posthaste-releases';
const RELEASES = [
  { release: 'bookworm', number: '12', node: 'this one, as its own is too old' },
  { release: 'trixie', number: '13', node: 'its own' },
] as const;
const USER = 12_345;
const MESSAGE = 'To: bob@example.net\nSubject: hi\n\nHello\n.\n';

let deb = '';
let newer = '';
let mx: MxServer;
let folder = '';

beforeAll(async () => {
  if (!existsSync(join(HOME, 'stamp'))) {
    throw new Error(`Cannot install in ${HOME}: nothing is there; run test/interop/setup-releases.sh`);
  }
  folder = mkdtempSync(join(HOME, 'test-'));
  // As it stands there, up to what is done as root.
  const [make = ''] = blockAfter('or on Debian and Ubuntu').split(' && ');
  await did('sh', ['-c', make]);
  deb = (await did('sh', ['-c', 'ls build/posthaste_*_all.deb'])).trim();
  newer = await makeNewer();
  mx = await startMx({ host: '127.0.0.1', name: 'mx.example.net' });
});
afterAll(async () => {
  await mx?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same program under another version. */
async function makeNewer(): Promise<string> {
  const tree = join(folder, 'newer');
  const made = join(folder, 'newer.deb');
  await did('dpkg-deb', ['-R', deb, tree]);
  await did('sed', ['-i', 's/^Version: .*/&+newer/', join(tree, 'DEBIAN/control')]);
  await did('dpkg-deb', ['--root-owner-group', '--build', tree, made]);
  return made;
}

describe.each(RELEASES)('Debian $number, with Node: $node', ({ release, number }) => {
  let root = '';
  let before: readonly string[] = [];

  const chroot = (words: readonly string[], { stdin = '', uid = 0 } = {}): Promise<Ran> =>
    run('chroot', [`--userspec=${uid}:${uid}`, root, 'sh', '-c', 'cd /srv && "$@"', 'sh', ...words], {
      stdin,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
  async function inside(words: readonly string[], who: { stdin?: string; uid?: number } = {}): Promise<string> {
    const ran = await chroot(words, who);
    expect(ran, words.join(' ')).toMatchObject({ status: 0 });
    return ran.stdout;
  }
  function bring(path: string, to = ''): string {
    mkdirSync(join(root, 'srv', to), { recursive: true });
    cpSync(path, join(root, 'srv', to, basename(path)));
    return join('/srv', to, basename(path));
  }
  /** What is there, but for what dpkg and apt keep for themselves, and what is not of the disk. */
  const installed = (): readonly string[] =>
    filesOf(root).filter((path) => !/^\/(dev|proc|srv|sys|tmp|var\/(cache|lib\/(apt|dpkg)|log))\//.test(path));
  function configure(settings: string): void {
    writeFileSync(join(root, 'etc/posthaste/config.toml'), settings);
  }

  beforeAll(async () => {
    root = join(folder, release);
    await did('cp', ['-a', join(HOME, release), root]);
    if (release === 'bookworm') {
      cpSync(process.execPath, join(root, 'usr/bin/node'));
      await inside(['dpkg', '-i', bring(await makeStub(folder, ['Package: nodejs', 'Version: 20.19.2']))]);
    }
    expect(await inside(['cat', '/etc/debian_version'])).toMatch(new RegExp(`^${number}\\.`));
    before = installed();
  });

  test('dpkg installs it', async () => {
    expect(await inside(['dpkg', '-i', bring(deb)])).toContain('Setting up posthaste');
    expect(await inside(['dpkg', '--audit'])).toBe('');
    expect(await inside(['dpkg', '--verify', 'posthaste'])).toBe('');
    expect(await inside(['/usr/lib/sendmail', '-bV'])).toMatch(/^posthaste \d/);
  });

  test("its sendmail sends what root and other users hand in, with a secret of root's", async () => {
    const rows = [`relay = "smtp://127.0.0.1:${mx.port}"`, 'tls.level = "none"', 'domain = "example.org"'];
    configure(`${rows.join('\n')}\n`);
    await inside(['chmod', '600', '/etc/posthaste/config.toml']);
    const taken = mx.messages.length;
    await inside(['/usr/sbin/sendmail', '-odi', '-t', '-i'], { stdin: MESSAGE });
    await inside(['/usr/sbin/sendmail', '-t', '-i'], { stdin: MESSAGE, uid: USER });
    await inside(['posthaste', 'queue', 'run']);
    const arrived = mx.messages.slice(taken);
    expect(arrived.map(({ sender, recipients }) => [sender, recipients])).toEqual([
      ['root@example.org', ['bob@example.net']],
      [`uid${USER}@example.org`, ['bob@example.net']],
    ]);
    expect(arrived.every(({ bytes }) => bytes.toString().endsWith('\r\n\r\nHello\r\n.\r\n'))).toBe(true);
  });

  test('an upgrade keeps the configuration and what waits', async () => {
    await inside(['/usr/sbin/sendmail', '-odq', '-t', '-i'], { stdin: MESSAGE.replace('hi', 'waited') });
    expect(await inside(['dpkg', '-i', bring(newer)])).toMatch(/Unpacking posthaste \(\S*\+newer\) over/);
    const taken = mx.messages.length;
    await inside(['sendmail', '-q']);
    expect(mx.messages.slice(taken).map(({ bytes }) => /^Subject: (.*)\r$/m.exec(bytes.toString())?.[1])).toEqual([
      'waited',
    ]);
    expect(await inside(['mailq'])).toMatch(/empty/);
  });

  test('a purge leaves nothing behind', async () => {
    await inside(['dpkg', '--purge', 'posthaste']);
    expect(installed()).toEqual(before);
  });

  test('the line of the README installs it', async () => {
    const [, install = ''] = blockAfter('or on Debian and Ubuntu').trim().split(' && ');
    bring(deb, 'build');
    expect(await inside(['sh', '-c', install])).toContain('Setting up posthaste');
    expect(await inside(['sendmail', '-bV'])).toMatch(/^posthaste \d/);
    await inside(['apt-get', 'purge', '-y', 'posthaste']);
    expect(installed()).toEqual(before);
  });
});
