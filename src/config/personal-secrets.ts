import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { quoted } from '../mail/printable.ts';
import { findInNetrc, type NetrcQuestion } from './netrc.ts';
import { runProgram } from './run-program.ts';
import { codeOf, SecretError, secretOf } from './secret-text.ts';

/*
 * Where a person keeps passwords for all programs: `~/.netrc`, `~/.authinfo`, and the desktop's keyring. They are asked
 * last, for one host, port and user, and what is not there is no fault. A file that others can read is one, but only
 * where it has the password that is needed.
 *
 * The keyring is asked through secret-tool(1), where that is installed and a desktop's bus is there; it may ask the
 * person to unlock it, so it is only asked where that was wished for.
 */
export interface PersonalQuestion extends NetrcQuestion {
  /** The home folder; absent: there is none. */
  readonly home?: string;
  /** A person may be asked to unlock the keyring. */
  readonly keyring?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const FILES = ['.netrc', '.authinfo'];
/** Octets: thousands of entries. */
const MAX_FILE = 1_048_576;

/** The password, or undefined where nobody has put one there. @throws {SecretError} */
export async function findPersonalSecret(
  question: PersonalQuestion,
  env: Environment,
  timeout: number,
): Promise<string | undefined> {
  for (const name of question.home === undefined ? [] : FILES) {
    const found = await searchFile(join(question.home ?? '', name), question);
    if (found !== undefined) return found;
  }
  return question.keyring === true ? askKeyring(question, env, timeout) : undefined;
}

async function searchFile(path: string, question: NetrcQuestion): Promise<string | undefined> {
  const origin = `file ${quoted(path)}`;
  const file = await readAll(path, origin);
  const password = file === undefined ? undefined : findInNetrc(file.text, question);
  if (file === undefined || password === undefined) return undefined;
  if ((file.mode & 0o077) !== 0) {
    const octal = (file.mode & 0o777).toString(8).padStart(4, '0');
    throw new SecretError(`${origin} is open to others (mode ${octal}); "chmod 600" closes it`, 78);
  }
  const entry = `entry ${quoted(question.host)} of ${origin}`;
  // What could not be read stands for itself as this.
  if (password.includes('\ufffd')) throw new SecretError(`${entry} is not UTF-8`, 78);
  return secretOf(Buffer.from(password), entry);
}

/** Undefined where there is no such file; what others may not read, and what is none, is of no use to us either. */
async function readAll(
  path: string,
  origin: string,
): Promise<{ readonly text: string; readonly mode: number } | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENXIO'].includes(codeOf(error))) return undefined;
    throw new SecretError(`${origin} can't be opened (${codeOf(error)})`, 77);
  });
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat().then((stat) => ({ mode: stat.mode, size: stat.isFile() ? stat.size : 0 }));
    if (size > MAX_FILE) throw new SecretError(`${origin} is larger than 1 MiB`, 78);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return { text: bytes.toString('utf8', 0, bytesRead), mode };
  } catch (error) {
    throw error instanceof SecretError ? error : new SecretError(`${origin} can't be read (${codeOf(error)})`, 77);
  } finally {
    await file.close();
  }
}

/** What passwords are kept by: our own attributes, then those of msmtp, which many have in their keyring already. */
const attributesOf = ({ host, user }: NetrcQuestion): readonly (readonly string[])[] => [
  ['service', 'posthaste', 'server', host, 'user', user],
  ['host', host, 'service', 'smtp', 'user', user],
];

async function askKeyring(question: NetrcQuestion, env: Environment, timeout: number): Promise<string | undefined> {
  // An argument that begins so would be taken for an option.
  if (/^-/.test(question.host) || /^-/.test(question.user)) return undefined;
  // Without a bus secret-tool would try to start one.
  if (!env.DBUS_SESSION_BUS_ADDRESS && !env.XDG_RUNTIME_DIR) return undefined;
  for (const attributes of attributesOf(question)) {
    const args = ['lookup', ...attributes];
    const end = await runProgram({ program: 'secret-tool', args, env, timeout, stderr: 'ignore' });
    if (end.kind === 'missing') return undefined;
    if (end.kind === 'broken') throw new SecretError(`command "secret-tool" ${end.reason}`, 77);
    if (end.status === 0 && end.output.length > 0) return secretOf(end.output, 'the keyring’s password');
  }
  return undefined;
}
