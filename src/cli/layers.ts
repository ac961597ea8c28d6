import { isAbsolute, join, resolve } from 'node:path';
import { applyOverrides, DEFAULTS, type Overrides } from '../config/defaults.ts';
import type { Settings } from '../config/settings.ts';
import { quoted } from '../mail/printable.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * The configuration's files, the later over the earlier:
 *
 *   /etc/posthaste/config.toml, /etc/posthaste/conf.d/*.toml by name, $XDG_CONFIG_HOME/posthaste/config.toml
 *
 * or only the one that `--config` or POSTHASTE_CONFIG names. A file that is not there is no error but where it was named;
 * one that can't be read is, since what it says can't be known. The user's own file has to be the user's own (or root's):
 * it may name commands to run, and HOME may be another's. Without any file nothing is loaded to read one.
 */

const SYSTEM = '/etc/posthaste';

/** One file with what it says. */
export interface Layer {
  readonly file: string;
  readonly overrides: Overrides;
}

/** The files that there are to read, those whose say is last at the end. */
export function configPlaces(around: Surroundings): readonly string[] {
  const folder = join(SYSTEM, 'conf.d');
  const parts = around.listFolder(folder).filter((name) => /^[^.].*\.toml$/.test(name));
  const own = userConfig(around);
  return [
    join(SYSTEM, 'config.toml'),
    ...parts.sort().map((name) => join(folder, name)),
    ...(own === undefined ? [] : [own]),
  ];
}

/** The XDG Base Directory Specification has relative paths ignored. */
export function userConfig(around: Surroundings): string | undefined {
  const { XDG_CONFIG_HOME: config } = around.env;
  if (config !== undefined && isAbsolute(config)) return join(config, 'posthaste/config.toml');
  const home = homeOf(around);
  return home === undefined ? undefined : join(home, '.config/posthaste/config.toml');
}

/** HOME, else the home in the password database. */
export function homeOf({ env, home }: Pick<Surroundings, 'env' | 'home'>): string | undefined {
  return env.HOME !== undefined && isAbsolute(env.HOME) ? env.HOME : home();
}

/** What the files say. @throws {CommandError} with 78, or with 77 where a file may not be read */
export async function readLayers(named: string | undefined, around: Surroundings): Promise<readonly Layer[]> {
  const file = named ?? (around.env.POSTHASTE_CONFIG || undefined);
  if (file !== undefined) return [await readNamed(resolve(around.cwd(), file), file, around)];
  const layers: Layer[] = [];
  for (const place of configPlaces(around)) {
    const layer = await readPlace(place, around);
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

export const settingsOf = (layers: readonly Layer[]): Settings =>
  layers.reduce((settings, { overrides }) => applyOverrides(settings, overrides), DEFAULTS);

async function readNamed(file: string, shown: string, around: Surroundings): Promise<Layer> {
  const { loadConfig } = await import('../config/config.ts');
  let exit: ExitCode = EXIT.config;
  const readFile = (): Promise<Buffer> =>
    around.readFile(shown).catch((error: unknown) => {
      if (PASSING.includes(codeOf(error))) exit = EXIT.tempFail;
      throw error;
    });
  const reading = await loadConfig(shown, { readFile, home: homeOf(around), at: file });
  if (reading.ok) return { file, overrides: reading.overrides };
  throw new CommandError(reading.errors.join('\n'), exit);
}

async function readPlace(file: string, around: Surroundings): Promise<Layer | undefined> {
  let found: ReturnType<typeof findFile>;
  try {
    found = findFile(file, around);
  } catch (error) {
    const { dropFolder } = await import('./drop-folder.ts');
    // The mail of users goes by way of the drop then, where there is one.
    const isForRoot =
      error instanceof CommandError && error.exit === EXIT.noPermission && file.startsWith(`${SYSTEM}/`);
    if (isForRoot && dropFolder(DEFAULTS, around) !== undefined) return { file, overrides: { unread: error.message } };
    throw error;
  }
  if (found === undefined) return undefined;
  const mine = around.surface.userId();
  if (!file.startsWith(`${SYSTEM}/`) && found.uid !== mine && found.uid !== 0) {
    const owner = `it belongs to user id ${found.uid}, and not to you (${mine})`;
    throw new CommandError(`Cannot use configuration: file ${quoted(file)}: ${owner}`, EXIT.config);
  }
  const { loadConfig } = await import('../config/config.ts');
  const reading = await loadConfig(file, { readFile: async () => found.bytes, home: homeOf(around) });
  if (reading.ok) return { file, overrides: reading.overrides };
  throw new CommandError(reading.errors.join('\n'), EXIT.config);
}

/** What has nothing to do with the file, and passes. */
const PASSING: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'];

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

function findFile(file: string, around: Surroundings): ReturnType<Surroundings['findConfig']> {
  try {
    return around.findConfig(file);
  } catch (error) {
    const code = codeOf(error);
    const isRefused = code === 'EACCES' || code === 'EPERM';
    const why = isRefused ? `you (user id ${around.surface.userId()}) may not read it` : `it can't be read (${code})`;
    const exit = isRefused ? EXIT.noPermission : PASSING.includes(code) ? EXIT.tempFail : EXIT.config;
    throw new CommandError(`Cannot read configuration: file ${quoted(file)}: ${why}`, exit, { cause: error });
  }
}
