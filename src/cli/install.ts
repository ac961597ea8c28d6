import { isAbsolute, join, resolve } from 'node:path';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { addToCrontab, hasSystemd, installFiles } from './install-files.ts';
import { cronFile, cronLine, type Installation, type InstalledFile, units } from './install-units.ts';
import { type Form, type FormRow, type GivenOf, readWords } from './program.ts';
import { findSpool } from './queue-open.ts';
import { readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/** `posthaste install`: has the queue run without anybody thinking of it, after a reboot too. */

export type InstallKey = 'user' | 'system' | 'print' | 'cron' | 'spool' | 'config';

const row = (key: InstallKey, flags: string, text: string): FormRow<InstallKey> => ({ key, flags, text });

export const INSTALL_OPTIONS: readonly FormRow<InstallKey>[] = [
  row('user', '--user', 'for our own queue'),
  row('system', '--system', 'for root’s queue'),
  row('print', '--print', 'only print what would be written'),
  row('cron', '--cron', 'for cron, where systemd runs too'),
  row('spool', '--spool <folder>', 'where the queue is'),
  row('config', '--config <file>', 'read this configuration file, and have each run read it'),
];

const FORM: Form<InstallKey> = {
  usage: 'install --user|--system [options]',
  description: 'Has the queue run by systemd (a service, a timer and a path unit), or else by cron.',
  operands: '[none...]',
  rows: INSTALL_OPTIONS,
};

/** @throws {CommandError} */
export async function runInstall(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readWords(FORM, words);
  if (read.kind === 'print') {
    around.stdout.write(read.text);
    return EXIT.ok;
  }
  if (read.kind === 'wrong') throw new CommandError(read.text, EXIT.usage);
  const { given } = read;
  if (given.has('user') === given.has('system') || read.words.length > 0) {
    throw new CommandError('Cannot install: say either --user or --system', EXIT.usage);
  }
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
  if (given.has('print')) around.stdout.write(printed(installation, given, around));
  else around.stdout.write(isCron ? installCron(installation) : installUnits(installation, around));
  return EXIT.ok;
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
