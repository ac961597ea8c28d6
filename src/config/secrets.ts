import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { quoted } from '../mail/printable.ts';
import type { PersonalQuestion } from './personal-secrets.ts';
import { runProgram } from './run-program.ts';
import { codeOf, MAX_SECRET, SecretError, secretOf } from './secret-text.ts';
import { splitWords } from './words.ts';

/*
 * Where the relay's password comes from: a file, a command, the environment, systemd's credentials, or the places where a
 * person keeps passwords for all programs (`personal-secrets`), in this order, the first that is given. Never from an
 * argument, where `ps` would show it. For XOAUTH2 and OAUTHBEARER it is the token.
 *
 * A file must be regular and, unless that was said not to matter, closed to group and others. A command is run without a shell (`sh -c '…'` is one word more),
 * with nothing on standard input, as that is the message; its first line counts. All of it is bounded in size and time.
 * Every fault is a SecretError, and no error holds what was read.
 */
export interface SecretRequest {
  readonly passwordFile?: string;
  /** Others may be able to read the file. */
  readonly openFile?: true;
  readonly passwordCommand?: string;
  /** Only from these two, and from where the password stands under its own name: what is for any relay is for another. */
  readonly ownOnly?: true;
  /** The account's name in the configuration, for `posthaste.NAME.password` among systemd's credentials. */
  readonly account?: string;
  /** Whom the password is for; absent: it is not looked for where passwords for all servers are kept. */
  readonly login?: PersonalQuestion;
  /** Milliseconds for the command. Default 30,000: time to unlock a key. */
  readonly timeout?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const TIMEOUT = 30_000;
const YES = /^(?:yes|true|1)$/i;

/** The password, or undefined where no source is given. @throws {SecretError} */
export async function findSecret(request: SecretRequest, env: Environment): Promise<string | undefined> {
  const { passwordFile, passwordCommand, ownOnly, login, timeout = TIMEOUT } = request;
  const mayBeOpen = request.openFile === true || YES.test(env.POSTHASTE_OPEN_PASSWORD_FILE ?? '');
  if (passwordFile !== undefined) return readSecretFile(passwordFile, mayBeOpen);
  if (passwordCommand !== undefined) return runCommand(passwordCommand, env, timeout);
  // An empty variable is an unset one.
  if (ownOnly !== true && env.POSTHASTE_PASSWORD) {
    return secretOf(Buffer.from(env.POSTHASTE_PASSWORD), 'POSTHASTE_PASSWORD');
  }
  if (ownOnly !== true && env.POSTHASTE_PASSWORD_FILE) return readSecretFile(env.POSTHASTE_PASSWORD_FILE, mayBeOpen);
  for (const name of credentialNames(request)) {
    const found = env.CREDENTIALS_DIRECTORY && (await readCredential(join(env.CREDENTIALS_DIRECTORY, name)));
    if (found) return found;
  }
  if (login === undefined) return undefined;
  const { findPersonalSecret } = await import('./personal-secrets.ts');
  return findPersonalSecret(login, env, timeout);
}

/** The account's own first; a name that could lead out of the folder has none. */
function credentialNames({ account, ownOnly }: SecretRequest): readonly string[] {
  const isName = account !== undefined && /^[\w@+-][\w.@+-]{0,100}$/.test(account);
  return [...(isName ? [`posthaste.${account}.password`] : []), ...(ownOnly === true ? [] : ['posthaste.password'])];
}

async function readSecretFile(path: string, mayBeOpen: boolean): Promise<string> {
  const origin = `file ${quoted(path)}`;
  const file = await openFile(path).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT') throw new SecretError(`${origin} does not exist`, 78);
    throw new SecretError(`${origin} can't be opened (${code})`, code === 'EACCES' ? 77 : 78);
  });
  return withFile(file, origin, (mode) => {
    if (mayBeOpen || (mode & 0o077) === 0) return;
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    const what = '"chmod 600" closes it, and "open_password_file" allows it';
    throw new SecretError(`${origin} is open to others (mode ${octal}): ${what}`, 78);
  });
}

/** systemd keeps these in a directory of its own, and their mode shows an access list's mask: it is not looked at. */
async function readCredential(path: string): Promise<string | undefined> {
  const origin = `credential ${quoted(path)}`;
  try {
    return await withFile(await openFile(path), origin, () => {});
  } catch (error) {
    if (error instanceof SecretError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new SecretError(`${origin} can't be opened (${codeOf(error)})`, 77);
  }
}

/** Never waits for a writer, should it be a pipe. */
const openFile = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY | constants.O_NONBLOCK);

async function withFile(file: FileHandle, origin: string, checkMode: (mode: number) => void): Promise<string> {
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new SecretError(`${origin} is not a regular file`, 78);
    checkMode(facts.mode);
    const buffer = Buffer.alloc(MAX_SECRET + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return secretOf(buffer.subarray(0, bytesRead), origin);
  } catch (error) {
    throw error instanceof SecretError ? error : new SecretError(`${origin} can't be read (${codeOf(error)})`, 77);
  } finally {
    await file.close();
  }
}

async function runCommand(command: string, env: Environment, timeout: number): Promise<string> {
  const words = splitWords(command);
  if (words === undefined) throw new SecretError('the command is empty or leaves a quote open', 78);
  const [program, ...args] = words;
  // The other words may say more than a log should know.
  const origin = `command ${quoted(program)}`;
  const end = await runProgram({ program, args, env, timeout, stderr: 'inherit' });
  switch (end.kind) {
    case 'missing':
      throw new SecretError(`${origin} was not found`, 77);
    case 'broken':
      throw new SecretError(`${origin} ${end.reason}`, 77);
    case 'ended': {
      if (end.status !== 0) throw new SecretError(`${origin} exited with status ${end.status}`, 77);
      if (end.output.length === 0) throw new SecretError(`${origin} printed nothing`, 77);
      const line = end.output.indexOf('\n');
      return secretOf(line < 0 ? end.output : end.output.subarray(0, line + 1), origin);
    }
  }
}
