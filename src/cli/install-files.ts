import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { quoted } from '../mail/printable.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { type InstalledFile, MARK } from './install-units.ts';

/* The files of `posthaste install` on the disk. None that we did not write is ever written over. */

/** systemd runs here (sd_booted(3)). */
export const hasSystemd = (): boolean => existsSync('/run/systemd/system');

/** Writes all of them, or none where one is somebody else's. @throws {CommandError} */
export function installFiles(folder: string, files: readonly InstalledFile[]): readonly string[] {
  const paths = files.map(({ name }) => join(folder, name));
  try {
    const foreign = paths.find((path) => !isOurs(path));
    if (foreign !== undefined) {
      throw new CommandError(
        `Cannot install ${quoted(foreign)}: it is there, and not ours to replace`,
        EXIT.cantCreate,
      );
    }
    mkdirSync(folder, { recursive: true });
    for (const [index, { text }] of files.entries()) replaceFile(paths[index] ?? '', text);
    return paths;
  } catch (error) {
    throw asCommandError(folder, error);
  }
}

/**
 * Links the names to a program, all of them or none; those that were made are given back. A link to a posthaste of any
 * folder is ours to replace, and nothing else.
 * @throws {CommandError}
 */
export function linkAll(folder: string, names: readonly string[], program: string): readonly string[] {
  try {
    const paths = names.map((name) => join(folder, name)).filter((path) => targetOf(path) !== program);
    for (const path of paths) {
      const target = targetOf(path);
      if (target === undefined || basename(target) === 'posthaste') continue;
      const what = target === '' ? 'it is there' : `it is a link to ${quoted(target)}`;
      throw new CommandError(`Cannot link ${quoted(path)}: ${what}; move it away first`, EXIT.cantCreate);
    }
    for (const path of paths) {
      const aside = join(folder, `.${process.pid}.posthaste`);
      symlinkSync(program, aside);
      renameSync(aside, path);
    }
    return paths;
  } catch (error) {
    throw asCommandError(folder, error);
  }
}

/** What a link says; '' for what is none, undefined where there is nothing. */
function targetOf(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isSymbolicLink() ? readlinkSync(path) : '';
}

function isOurs(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  return stats.isFile() && readFileSync(path, 'utf8').startsWith(MARK);
}

function replaceFile(path: string, text: string): void {
  const aside = join(dirname(path), `.${process.pid}.posthaste`);
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const descriptor = openSync(aside, O_CREAT | O_EXCL | O_WRONLY, 0o644);
  writeSync(descriptor, text);
  closeSync(descriptor);
  renameSync(aside, path);
}

function asCommandError(folder: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return error;
  const exit = code === 'EACCES' || code === 'EPERM' ? EXIT.noPermission : EXIT.cantCreate;
  return new CommandError(`Cannot install files in ${quoted(folder)}: ${code}`, exit, { cause: error });
}

/** Adds a line to the user's own crontab, once; false where it is there already. @throws {CommandError} */
export function addToCrontab(line: string): boolean {
  // Without a crontab, its status is 1 and it prints nothing.
  const { stdout: before = '', error } = spawnSync('crontab', ['-l'], { encoding: 'utf8' });
  if (error !== undefined)
    throw new CommandError('Cannot install: there is neither systemd nor crontab', EXIT.cantCreate);
  if (before.split('\n').includes(line)) return false;
  const lines = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  const { status, stderr } = spawnSync('crontab', ['-'], { input: `${lines}${MARK}\n${line}\n`, encoding: 'utf8' });
  if (status === 0) return true;
  throw new CommandError(`Cannot install: crontab refused: ${quoted(stderr.trim())}`, EXIT.cantCreate);
}
