import { basename, dirname, resolve } from 'node:path';
import { importDma } from '../config/import/dma.ts';
import type { Import, Imported } from '../config/import/imported.ts';
import { importMsmtp } from '../config/import/msmtp.ts';
import { importNullmailer } from '../config/import/nullmailer.ts';
import { type PasswordFiles, render, told } from '../config/import/render.ts';
import { importSsmtp } from '../config/import/ssmtp.ts';
import { quoted } from '../mail/printable.ts';
import { systemDisk } from '../queue/disk.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { line } from './output.ts';
import { type Form, readForm } from './program.ts';
import { wordsOf } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * `posthaste config import FORMAT FILE`: prints what another program's configuration is in ours. What it can't say is a
 * comment in it and a line on standard error. Passwords go into files of their own, where one is named, or nowhere.
 */

export type ImportKey = 'passwordFile';

export const IMPORT_FORM: Form<ImportKey> = {
  usage: 'config import msmtp|ssmtp|nullmailer|dma <file> [options]',
  description: 'Prints what the configuration of another program is in ours.',
  operands: '[word...]',
  rows: [
    {
      key: 'passwordFile',
      flags: '--password-file <file>',
      text: 'put the password there; without it, it is left out',
    },
  ],
};

const FORMATS: Readonly<Record<string, (given: Import) => Imported>> = {
  msmtp: importMsmtp,
  ssmtp: importSsmtp,
  nullmailer: importNullmailer,
  dma: importDma,
};

/** Names of files that an importer may ask for, at most. */
const MOST = 1_048_576;

/** The words behind `posthaste config import`. @throws {CommandError} */
export async function runConfigImport(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readForm(IMPORT_FORM, words, around);
  if (read === undefined) return EXIT.ok;
  const [format = '', name, ...surplus] = read.words;
  const known = Object.keys(FORMATS).join(', ');
  const importer = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (importer === undefined) throw new CommandError(`Cannot import ${quoted(format)}: known are ${known}`, EXIT.usage);
  if (name === undefined || surplus.length > 0) throw new CommandError('Cannot import: name one file', EXIT.usage);
  const file = await fileOf(format, resolve(around.cwd(), name), around);
  const imported = importer({ text: await textOf(file, around), beside: await besideOf(file, around) });
  if (imported.accounts.length === 0) {
    throw new CommandError(`Cannot import ${quoted(file)}: it names no server`, EXIT.data);
  }
  const passwordFile = read.given.get('passwordFile')?.at(-1);
  const passwords =
    passwordFile === undefined ? {} : writePasswords(imported, resolve(around.cwd(), passwordFile), around);
  for (const each of imported.left) around.stderr.write(line(`not taken over: ${told(each)}`));
  around.stdout.write(render(imported, `Made of ${format}’s ${file} by posthaste config import.`, passwords));
  return EXIT.ok;
}

/** The configuration of nullmailer is a folder, whose servers are in one file of it. */
async function fileOf(format: string, name: string, around: Surroundings): Promise<string> {
  const within = resolve(name, 'remotes');
  const isFolder = format === 'nullmailer' && (await around.readFile(within).catch(() => undefined)) !== undefined;
  return isFolder ? within : name;
}

async function textOf(file: string, around: Surroundings): Promise<string> {
  try {
    return (await around.readFile(file)).toString('utf8');
  } catch (error) {
    throw new CommandError(`Cannot read ${quoted(file)}: ${wordsOf(error)}`, EXIT.noInput, { cause: error });
  }
}

/** What importers may ask for, read before they do: files of one line beside the configuration. */
const BESIDE = ['me', 'defaulthost', 'helohost', 'adminaddr', 'allmailfrom', 'auth.conf'];

async function besideOf(file: string, around: Surroundings): Promise<Import['beside']> {
  const named = (await textOf(file, around)).matchAll(/^\s*(?:AUTHPATH|MAILNAME)\s+(\/\S+)/gm);
  const found = new Map<string, string>();
  for (const name of [...BESIDE, ...[...named].map(([, path = '']) => path)]) {
    const bytes = await around.readFile(resolve(dirname(file), name)).catch(() => undefined);
    if (bytes !== undefined) found.set(name, bytes.toString('utf8', 0, MOST));
  }
  return (name) => found.get(name);
}

/** Writes each password into a file of its own, which must not be there yet. @throws {CommandError} */
function writePasswords({ accounts }: Imported, file: string, around: Surroundings): PasswordFiles {
  const secrets = accounts.flatMap(({ name, password }) => (password === undefined ? [] : [{ name, password }]));
  const files: Record<string, string> = {};
  for (const [index, { name, password }] of secrets.entries()) {
    const path = index === 0 ? file : `${file}.${name}`;
    try {
      const descriptor = systemDisk.open(path, 'create');
      try {
        systemDisk.write(descriptor, Buffer.from(`${password}\n`));
      } finally {
        systemDisk.close(descriptor);
      }
    } catch (error) {
      throw new CommandError(`Cannot write password file ${quoted(path)}: ${wordsOf(error)}`, EXIT.cantCreate);
    }
    files[name] = path;
    around.stderr.write(line(`the password of ${name} is in ${basename(path)}`));
  }
  return files;
}
