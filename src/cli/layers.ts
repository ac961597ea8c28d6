import { isAbsolute, join, resolve } from 'node:path';
import { applyOverrides, DEFAULTS, type Overrides } from '../config/defaults.ts';
import { homeOf } from '../config/home.ts';
import type { Said } from '../config/said.ts';
import type { Settings } from '../config/settings.ts';
import { quoted } from '../mail/printable.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { type LoadFile, loadFile } from './recall.ts';
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

export const SYSTEM = '/etc/posthaste';

/** One file with what it says. */
export interface Layer {
  readonly file: string;
  readonly overrides: Overrides;
  /** Each value as it stands there. */
  readonly said: () => readonly Said[];
}

/** The files that there are to read, those whose say is last at the end. */
export function configPlaces(around: Surroundings): readonly string[] {
  const folder = join(SYSTEM, 'conf.d');
  const own = userConfig(around);
  return [join(SYSTEM, 'config.toml'), ...partsOf(folder, around), ...(own === undefined ? [] : [own])];
}

/** Where they may not be listed, the folder stands for them: it can't be read either. */
function partsOf(folder: string, around: Surroundings): readonly string[] {
  try {
    const names = around.listFolder(folder).filter((name) => /^[^.].*\.toml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [folder];
  }
}

/** The XDG Base Directory Specification has relative paths ignored. */
export function userConfig(around: Surroundings): string | undefined {
  const { XDG_CONFIG_HOME: config } = around.env;
  if (config !== undefined && isAbsolute(config)) return join(config, 'posthaste/config.toml');
  const home = homeOf(around);
  return home === undefined ? undefined : join(home, '.config/posthaste/config.toml');
}

/** What the files say. @throws {CommandError} with 78, or with 77 where a file may not be read */
export async function readLayers(
  named: string | undefined,
  around: Surroundings,
  load: LoadFile = loadFile,
): Promise<readonly Layer[]> {
  const file = namedConfig(named, around);
  if (file !== undefined) return [await readNamed(file, around, load)];
  const layers: Layer[] = [];
  for (const place of configPlaces(around)) {
    const layer = await readPlace(place, around, load);
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

/** The only file to read, where one was named, as it was named. */
export const namedConfig = (named: string | undefined, { env }: Pick<Surroundings, 'env'>): string | undefined =>
  named ?? (env.POSTHASTE_CONFIG || undefined);

export const settingsOf = (layers: readonly Layer[]): Settings =>
  layers.reduce((settings, { overrides }) => applyOverrides(settings, overrides), DEFAULTS);

/** A file that was named. @throws {CommandError} */
export async function readNamed(shown: string, around: Surroundings, load: LoadFile = loadFile): Promise<Layer> {
  const file = resolve(around.cwd(), shown);
  let exit: ExitCode = EXIT.config;
  const readFile = (): Promise<Buffer> =>
    around.readFile(shown).catch((error: unknown) => {
      exit = exitOf(codeOf(error));
      throw error;
    });
  const reading = await load(shown, { readFile, home: homeOf(around), at: file });
  if (reading.ok) return { file, overrides: reading.overrides, said: reading.said };
  throw new CommandError(reading.errors.join('\n'), exit);
}

/** A file at one of the places; undefined where there is none. @throws {CommandError} */
export async function readPlace(
  file: string,
  around: Surroundings,
  load: LoadFile = loadFile,
): Promise<Layer | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = findPlace(file, around);
  } catch (error) {
    const { dropFolder } = await import('./drop-folder.ts');
    // The mail of users goes by way of the drop then, where there is one.
    const isForRoot =
      error instanceof CommandError && error.exit === EXIT.noPermission && file.startsWith(`${SYSTEM}/`);
    if (!isForRoot || dropFolder(DEFAULTS, around) === undefined) throw error;
    return { file, overrides: { unread: error.message }, said: () => [] };
  }
  if (bytes === undefined) return undefined;
  const read = bytes;
  const reading = await load(file, { readFile: async () => read, home: homeOf(around) });
  if (reading.ok) return { file, overrides: reading.overrides, said: reading.said };
  throw new CommandError(reading.errors.join('\n'), EXIT.config);
}

/** What a file at one of the places holds; undefined where there is none. @throws {CommandError} where it can't be used */
export function findPlace(file: string, around: Surroundings): Uint8Array | undefined {
  const found = findFile(file, around);
  if (found === undefined) return undefined;
  const mine = around.surface.userId();
  if (!file.startsWith(`${SYSTEM}/`) && found.uid !== mine && found.uid !== 0) {
    const owner = `it belongs to user id ${found.uid}, and not to you (${mine})`;
    throw new CommandError(`Cannot use configuration: file ${quoted(file)}: ${owner}`, EXIT.config);
  }
  return found.bytes;
}

/** What has nothing to do with the file, and passes. */
const PASSING: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'];

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const isOwnWord = (error: unknown): error is Error => error instanceof Error && !('code' in error);

const isRefusal = (code: string): boolean => code === 'EACCES' || code === 'EPERM';

const exitOf = (code: string): ExitCode =>
  isRefusal(code) ? EXIT.noPermission : PASSING.includes(code) ? EXIT.tempFail : EXIT.config;

function findFile(file: string, around: Surroundings): ReturnType<Surroundings['findConfig']> {
  try {
    return around.findConfig(file);
  } catch (error) {
    const code = codeOf(error);
    const who = `you (user id ${around.surface.userId()})`;
    const broken = isOwnWord(error) ? error.message : `it can't be read (${code})`;
    const why = isRefusal(code) ? `${who} may not read it` : broken;
    const text = `Cannot read configuration: file ${quoted(file)}: ${why}`;
    throw new CommandError(text, exitOf(code), { cause: error });
  }
}
