import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Ran, run } from '../support/run.ts';
import { scratchFolder } from '../support/spool.ts';

/* `posthaste install` by the built command: what it writes, where there is systemd and where there is none. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const isRoot = process.geteuid?.() === 0;
const can = async (program: string, words: readonly string[]): Promise<boolean> =>
  run(program, words).then(
    ({ status }) => status === 0,
    () => false,
  );
const canMount = isRoot && (await can('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']));
const canVerify = await can('systemd-analyze', ['--version']);
const isBooted = existsSync('/run/systemd/system');

const FAKE_CRONTAB = `#!/bin/sh
case $1 in
-l) cat "$HOME/crontab" 2>/dev/null ;;
-) cat >"$HOME/crontab" ;;
esac
`;

/** A user with a home of his own, and a crontab(1) that keeps its file there. */
function person() {
  const home = scratchFolder();
  const bin = join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'crontab'), FAKE_CRONTAB);
  chmodSync(join(bin, 'crontab'), 0o755);
  const env = { PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home };
  return {
    home,
    install: (...words: readonly string[]) => run(POSTHASTE, ['install', ...words], { env }),
    crontab: () => readFileSync(join(home, 'crontab'), 'utf8'),
  };
}

/**
 * Installs into a system of its own: the folders lie over /etc and /run, for this process alone. What it then looks like
 * is in `root`.
 */
async function inSystem({ systemd }: { readonly systemd: boolean }, words: readonly string[]) {
  const root = scratchFolder();
  for (const name of ['etc/cron.d', 'etc/systemd/system', 'run', 'spool'])
    mkdirSync(join(root, name), { recursive: true });
  if (systemd) mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  const script =
    'mount --bind "$0/etc" /etc && mount --bind "$0/run" /run && mount --bind "$0/spool" /var/spool && exec "$@"';
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: join(root, 'home') };
  const ran: Ran = await run('unshare', ['--mount', 'sh', '-c', script, root, POSTHASTE, 'install', ...words], { env });
  return { ran, root, read: (name: string) => readFileSync(join(root, name), 'utf8') };
}

/** What systemd says of the units in a folder; a program that they start must be there. */
async function verdict(folder: string): Promise<string> {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const { status, stderr } = await run('systemd-analyze', ['verify', '--man=no', ...files]);
  const own = stderr.split('\n').filter((line) => line.includes('posthaste'));
  return [`${status}`, ...own].join('\n');
}

describe('posthaste install', () => {
  it.skipIf(isBooted)('adds one line to the crontab of a user where there is no systemd', async () => {
    const { install, crontab, home } = person();
    writeFileSync(join(home, 'crontab'), '0 3 * * * backup');
    expect(await install('--user')).toEqual({ status: 0, stdout: 'added a line to the crontab\n', stderr: '' });
    expect(await install('--user')).toMatchObject({ status: 0, stdout: 'the crontab has the line already\n' });
    const [first, mark, line = '', ...rest] = crontab().split('\n');
    expect([first, mark, rest]).toEqual(['0 3 * * * backup', expect.stringMatching(/^# Written by posthaste/), ['']]);
    const [, command = ''] = /^\*\/5 \* \* \* \* (.*)$/.exec(line) ?? [];
    // As cron runs it.
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home };
    expect(await run('/bin/sh', ['-c', command], { env })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it.skipIf(!canMount)('writes the system’s units and makes the drop where systemd runs', async () => {
    const { ran, root, read } = await inSystem({ systemd: true }, ['--system']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toContain('systemctl daemon-reload && systemctl enable --now posthaste.timer posthaste.path\n');
    const folder = join(root, 'etc/systemd/system');
    expect(readdirSync(folder).sort()).toEqual(['posthaste.path', 'posthaste.service', 'posthaste.timer']);
    expect(read('etc/systemd/system/posthaste.service')).toContain(`ExecStart=${POSTHASTE} queue run `);
    expect(readdirSync(join(root, 'etc/cron.d'))).toEqual([]);
    expect(statSync(join(root, 'spool/posthaste/drop')).mode & 0o7777).toBe(0o1733);
    if (canVerify) expect(await verdict(folder)).toBe('0');
  });

  it.skipIf(!canMount)('writes the units of a user where systemd runs, and asks no crontab', async () => {
    const { ran, root } = await inSystem({ systemd: true }, ['--user']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const folder = join(root, 'home/.config/systemd/user');
    expect(readdirSync(folder).sort()).toEqual(['posthaste.path', 'posthaste.service', 'posthaste.timer']);
    if (canVerify) expect(await verdict(folder)).toBe('0');
  });

  it.skipIf(!canMount)('writes a file for cron where there is no systemd, and no other’s over', async () => {
    const { ran, root, read } = await inSystem({ systemd: false }, ['--system']);
    expect(ran).toEqual({
      status: 0,
      stdout: 'made /var/spool/posthaste/drop\nwrote /etc/cron.d/posthaste\n',
      stderr: '',
    });
    expect(read('etc/cron.d/posthaste')).toMatch(
      /^# Written by .*\n\*\/5 \* \* \* \* root \/.* queue run --spool=.*\n$/,
    );
    expect(statSync(join(root, 'etc/cron.d/posthaste')).mode & 0o777).toBe(0o644);
    expect(readdirSync(join(root, 'etc/systemd/system'))).toEqual([]);
  });
});
