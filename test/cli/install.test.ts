import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installFiles, linkAll } from '../../src/cli/install-files.ts';
import { cronLine, MARK, units } from '../../src/cli/install-units.ts';
import { run } from '../../src/cli/run.ts';
import { scratchFolder } from '../support/spool.ts';
import { fakeSurroundings } from './fake-surroundings.ts';

const USER = { scope: 'user', program: '/usr/bin/posthaste', spool: '/home/ann/spool' } as const;

async function play(...words: readonly string[]) {
  const around = fakeSurroundings({}, { env: { HOME: '/home/ann' } });
  const exit = await run(['install', ...words], around);
  return { exit, out: around.stdout.text, err: around.stderr.text };
}

describe('posthaste install', () => {
  it('shows units, and the line of cron', async () => {
    const { exit, out } = await play('--user', '--print');
    expect(exit).toBe(0);
    for (const part of [
      '# /home/ann/.config/systemd/user/posthaste.service\n',
      'ExecStart=/usr/bin/posthaste queue run --spool=/home/ann/.local/state/posthaste/spool\n',
      'NoNewPrivileges=yes\n',
      'PathChanged=/home/ann/.local/state/posthaste/spool/entry\n',
      'OnUnitInactiveSec=5min\n',
      '*/5 * * * * /usr/bin/posthaste queue run --spool=/home/ann/.local/state/posthaste/spool\n',
    ])
      expect(out).toContain(part);
    expect((await play('--user', '--print', '--cron')).out).not.toContain('[Service]');
    expect((await play('--system', '--print', '--cron', '--spool', '/s')).out).toContain('* * * * root /usr/bin/posth');
  });

  it('has the system’s units look at the drop too', async () => {
    expect((await play('--system', '--print', '--spool', '/s')).out).toContain('PathChanged=/s/drop\n');
    expect((await play('--user', '--print', '--spool', '/s')).out).not.toContain('drop');
  });

  it('links sendmail’s names, and only shows them with --print', async () => {
    const folder = scratchFolder();
    expect((await play('--sendmail-symlinks', folder, '--print')).out).toContain(
      `# ${folder}/sendmail -> /usr/bin/post`,
    );
    expect(readdirSync(folder)).toEqual([]);
    expect(await play('--sendmail-symlinks', folder)).toMatchObject({ exit: 0, err: '' });
    expect(readdirSync(folder).sort()).toEqual(['mailq', 'newaliases', 'sendmail']);
    expect(await play('--sendmail-symlinks', folder)).toMatchObject({ exit: 0, out: '', err: '' });
    mkdirSync(join(folder, 'lib'));
    await play('--sendmail-symlinks', join(folder, 'lib'));
    expect(readdirSync(join(folder, 'lib'))).toEqual(['sendmail']);
  });

  it.each([[[]], [['--user', '--system']], [['--user', 'x']], [['--nonsense']]])(
    'refuses %j with 64',
    async (words) => {
      expect(await play(...words)).toMatchObject({ exit: 64, out: '' });
    },
  );
});

describe('units()', () => {
  it('quotes what systemd and cron would take for something else', () => {
    const odd = { ...USER, config: '/home/ann/50% $HOME "x"\\.toml' };
    const [service] = units(odd);
    expect(service?.text).toContain(' "--config=/home/ann/50%% $$HOME \\"x\\"\\\\.toml"\n');
    expect(cronLine(odd)).toMatch(/'--config=\/home\/ann\/50\\% \$HOME "x"\\\.toml'$/);
  });

  it('gives a system’s service no more rights than it needs', () => {
    const [service] = units({ ...USER, scope: 'system' });
    for (const line of [
      'ProtectSystem=strict',
      'ReadWritePaths=-"/home/ann/spool"',
      'SystemCallFilter=@system-service',
    ])
      expect(service?.text.split('\n')).toContain(line);
  });
});

describe('linkAll()', () => {
  const NAMES = ['sendmail', 'mailq'];

  it('replaces links to a posthaste of another folder', () => {
    const folder = scratchFolder();
    symlinkSync('/opt/old/bin/posthaste', join(folder, 'mailq'));
    linkAll(folder, NAMES, '/usr/bin/posthaste');
    expect(NAMES.map((name) => readlinkSync(join(folder, name)))).toEqual(['/usr/bin/posthaste', '/usr/bin/posthaste']);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, ''), 'it is there'],
    ['a folder', (path: string) => mkdirSync(path), 'it is there'],
    ['a link', (path: string) => symlinkSync('/usr/sbin/exim4', path), 'it is a link to "/usr/sbin/exim4"'],
  ])('links nothing where %s of somebody else is', (_, make, reason) => {
    const folder = scratchFolder();
    make(join(folder, 'mailq'));
    expect(() => linkAll(folder, NAMES, '/usr/bin/posthaste')).toThrow(`${reason}; move it away first`);
    expect(readdirSync(folder)).toEqual(['mailq']);
  });

  it('tells which folder is missing', () => {
    const folder = join(scratchFolder(), 'none');
    expect(() => linkAll(folder, NAMES, '/p')).toThrow(`Cannot install files in "${folder}": ENOENT`);
  });
});

describe('installFiles()', () => {
  const files = [
    { name: 'a.service', text: `${MARK}\nnew\n` },
    { name: 'a.timer', text: `${MARK}\n` },
  ];

  it('writes files, and its own again', () => {
    const folder = join(scratchFolder(), 'units');
    expect(installFiles(folder, files)).toEqual([join(folder, 'a.service'), join(folder, 'a.timer')]);
    writeFileSync(join(folder, 'a.service'), `${MARK}\nold\n`);
    installFiles(folder, files);
    expect(readFileSync(join(folder, 'a.service'), 'utf8')).toContain('new');
    expect(statSync(join(folder, 'a.timer')).mode & 0o777).toBe(0o644);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, '[Service]\n')],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/dev/null', path)],
  ])('writes nothing where %s of somebody else is', (_, make) => {
    const folder = scratchFolder();
    make(join(folder, 'a.timer'));
    expect(() => installFiles(folder, files)).toThrow(/Cannot install .*: it is there, and not ours to replace/);
    expect(statSync(join(folder, 'a.service'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
