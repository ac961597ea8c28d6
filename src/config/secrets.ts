import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { quoted } from '../mail/printable.ts';
import { splitWords } from './words.ts';

/*
 * Where the relay's password comes from: a file, a command, the environment, or systemd's credentials, in this order,
 * the first that is given. Never from an argument, where `ps` would show it. For XOAUTH2 and OAUTHBEARER it is the token.
 *
 * A file must be regular and closed to group and others. A command is run without a shell (`sh -c '…'` is one word more),
 * with nothing on standard input, as that is the message; its first line counts. All of it is bounded in size and time.
 * Every fault is a SecretError, and no error holds what was read.
 */
export interface SecretRequest {
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  /** Only from these two: what the environment holds is for another relay. */
  readonly ownOnly?: true;
  /** Milliseconds for the command. Default 30,000: time to unlock a key. */
  readonly timeout?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** No password can be had from where it was said to be. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
  /** 78: what was asked for is wrong. 77: it is right, and nothing came of it. */
  readonly exit: 77 | 78;

  constructor(reason: string, exit: 77 | 78) {
    super(`Cannot read password: ${reason}`);
    this.exit = exit;
  }
}

/** Octets. */
const MAX = 65_536;
const TIMEOUT = 30_000;

/** The password, or undefined where no source is given. @throws {SecretError} */
export async function findSecret(request: SecretRequest, env: Environment): Promise<string | undefined> {
  const { passwordFile, passwordCommand, timeout = TIMEOUT } = request;
  if (passwordFile !== undefined) return readSecretFile(passwordFile);
  if (passwordCommand !== undefined) return runCommand(passwordCommand, env, timeout);
  if (request.ownOnly === true) return undefined;
  // An empty variable is an unset one.
  if (env.POSTHASTE_PASSWORD) return check(Buffer.from(env.POSTHASTE_PASSWORD), 'POSTHASTE_PASSWORD');
  if (env.POSTHASTE_PASSWORD_FILE) return readSecretFile(env.POSTHASTE_PASSWORD_FILE);
  return env.CREDENTIALS_DIRECTORY ? readCredential(join(env.CREDENTIALS_DIRECTORY, 'posthaste.password')) : undefined;
}

async function readSecretFile(path: string): Promise<string> {
  const origin = `file ${quoted(path)}`;
  const file = await openFile(path).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT') throw new SecretError(`${origin} does not exist`, 78);
    throw new SecretError(`${origin} can't be opened (${code})`, code === 'EACCES' ? 77 : 78);
  });
  return withFile(file, origin, (mode) => {
    if ((mode & 0o077) === 0) return;
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new SecretError(`${origin} is open to others (mode ${octal}); "chmod 600" closes it`, 78);
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
    const buffer = Buffer.alloc(MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return check(buffer.subarray(0, bytesRead), origin);
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
  const { spawn } = await import('node:child_process');
  const output = await new Promise<Buffer>((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => stop(`did not end within ${timeout / 1000} s`), timeout);
    /** Does not wait for the end: a grandchild may hold the pipe open. */
    const stop = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      child.stdout.destroy();
      reject(new SecretError(`${origin} ${reason}`, 77));
    };
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX) stop('says more than 64 KiB');
    });
    child.on('error', (error) =>
      stop(codeOf(error) === 'ENOENT' ? 'was not found' : `can't be run (${codeOf(error)})`),
    );
    child.on('close', (status, signal) => {
      if (status !== 0) return stop(signal === null ? `exited with status ${status}` : `was ended by ${signal}`);
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
  const end = output.indexOf('\n');
  return check(end < 0 ? output : output.subarray(0, end + 1), origin);
}

/** The one line of text that a password is, without its line end. */
function check(bytes: Buffer, origin: string): string {
  if (bytes.length > MAX) throw new SecretError(`${origin} has more than 64 KiB`, 78);
  const text = decode(bytes)?.replace(/\r?\n$/, '');
  if (text === undefined) throw new SecretError(`${origin} is not UTF-8`, 78);
  if (text === '') throw new SecretError(`${origin} is empty`, 78);
  if (/[\r\n]/.test(text)) throw new SecretError(`${origin} has more than one line`, 78);
  if (text.includes('\0')) throw new SecretError(`${origin} has a NUL`, 78);
  return text;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
