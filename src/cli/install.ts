import { basename, isAbsolute, join, resolve } from 'node:path';
import { systemDisk } from '../queue/disk.ts';
import { dropIn, makeDrop } from '../queue/spool-folders.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { addToCrontab, hasSystemd, installFiles, linkAll } from './install-files.ts';
import { cronFile, cronLine, type Installation, type InstalledFile, units } from './install-units.ts';
import { type Form, type FormRow, type GivenOf, readForm } from './program.ts';
import { findSpool } from './queue-open.ts';
import { readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/** `posthaste install`: has the queue run without anybody thinking of it, after a reboot too. */

export type InstallKey = 'user' | 'system' | 'symlinks' | 'print' | 'cron' | 'spool' | 'config';

const row = (key: InstallKey, flags: string, text: string): FormRow<InstallKey> => ({ key, flags, text });

export const INSTALL_OPTIONS: readonly FormRow<InstallKey>[] = [
  row('user', '--user', 'for our own queue'),
  row('system', '--system', 'for root’s queue, with a drop that all users may put messages into'),
  row('symlinks', '--sendmail-symlinks <folder>', 'link sendmail, mailq and newaliases there to us; may be repeated'),
  row('print', '--print', 'only print what would be written'),
  row('cron', '--cron', 'for cron, where systemd runs too'),
  row('spool', '--spool <folder>', 'where the queue is'),
  row('config', '--config <file>', 'read this configuration file, and have each run read it'),
];

const FORM: Form<InstallKey> = {
  usage: 'install [--user|--system] [options]',
  description:
    'Has the queue run by systemd (a service, a timer and a path unit), or else by cron;\n' +
    'and puts us in the place of sendmail.',
  operands: '[none...]',
  rows: INSTALL_OPTIONS,
};

/** @throws {CommandError} */
export async function runInstall(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readForm(FORM, words, around);
  if (read === undefined) return EXIT.ok;
  const { given } = read;
  const folders = (given.get('symlinks') ?? []).map((folder) => resolve(around.cwd(), folder));
  const hasScope = given.has('user') || given.has('system');
  if ((given.has('user') && given.has('system')) || !(hasScope || folders.length > 0) || read.words.length > 0) {
    throw new CommandError('Cannot install: say either --user or --system, or --sendmail-symlinks', EXIT.usage);
  }
  for (const folder of folders) installLinks(folder, given, around);
  if (hasScope) await installQueue(given, around);
  return EXIT.ok;
}

async function installQueue(given: GivenOf<InstallKey>, around: Surroundings): Promise<void> {
  const file = given.get('config')?.at(-1);
  const config = file === undefined ? undefined : resolve(around.cwd(), file);
  const settings = await readSettings(config === undefined ? {} : { config }, around);
  const installation: Installation = {
    scope: given.has('system') ? 'system' : 'user',
    program: around.program(),
    spool: findSpool({ settings, option: given.get('spool')?.at(-1) }, around),
    ...(config === undefined ? {} : { config }),
  };
  const isCron = given.has('cron') || !hasSystemd();
  if (given.has('print')) {
    around.stdout.write(printed(installation, given, around));
    return;
  }
  if (installation.scope === 'system') {
    await makeDrop({ disk: systemDisk, folder: installation.spool, fsync: settings.spool.fsync });
    around.stdout.write(`made ${dropIn(installation.spool)}\n`);
  }
  around.stdout.write(isCron ? installCron(installation) : installUnits(installation, around));
}

/** What programs call; in a `lib`, none calls the others. */
const NAMES = ['sendmail', 'mailq', 'newaliases'];

function installLinks(folder: string, given: GivenOf<InstallKey>, around: Surroundings): void {
  const names = basename(folder) === 'lib' ? NAMES.slice(0, 1) : NAMES;
  const made = given.has('print') ? names.map((name) => join(folder, name)) : linkAll(folder, names, around.program());
  around.stdout.write(made.map((path) => `${given.has('print') ? '# ' : ''}${path} -> ${around.program()}\n`).join(''));
}

/** The folder for units, as systemd looks for them. @throws {CommandError} where the user has no home */
function unitFolder({ scope }: Installation, around: Surroundings): string {
  if (scope === 'system') return '/etc/systemd/system';
  const { XDG_CONFIG_HOME: config, HOME: home = around.home() } = around.env;
  if (config !== undefined && isAbsolute(config)) return join(config, 'systemd/user');
  if (home !== undefined) return join(home, '.config/systemd/user');
  throw new CommandError('Cannot install: our user id has no home folder', EXIT.cantCreate);
}

/** With the units goes the line that stands for them where there is no systemd. */
function printed(installation: Installation, given: GivenOf<InstallKey>, around: Surroundings): string {
  const cron =
    installation.scope === 'system'
      ? filesText('/etc/cron.d', [cronFile(installation)])
      : `# crontab\n${cronLine(installation)}\n`;
  if (given.has('cron')) return cron;
  return `${filesText(unitFolder(installation, around), units(installation))}\n# Without systemd:\n${cron}`;
}

const filesText = (folder: string, files: readonly InstalledFile[]): string =>
  files.map(({ name, text }) => `# ${join(folder, name)}\n${text}`).join('\n');

function installUnits(installation: Installation, around: Surroundings): string {
  const paths = installFiles(unitFolder(installation, around), units(installation));
  const systemctl = installation.scope === 'user' ? 'systemctl --user' : 'systemctl';
  return [
    ...paths.map((path) => `wrote ${path}`),
    'To start them, now and after each reboot:',
    `  ${systemctl} daemon-reload && ${systemctl} enable --now posthaste.timer posthaste.path`,
    ...(installation.scope === 'user'
      ? ['And to have them run while you are not logged in:', '  loginctl enable-linger']
      : []),
    '',
  ].join('\n');
}

function installCron(installation: Installation): string {
  if (installation.scope === 'system') {
    const [path = ''] = installFiles('/etc/cron.d', [cronFile(installation)]);
    return `wrote ${path}\n`;
  }
  return addToCrontab(cronLine(installation)) ? 'added a line to the crontab\n' : 'the crontab has the line already\n';
}
