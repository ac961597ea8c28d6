import { dirname, isAbsolute, join } from 'node:path';
import { escapeControls, quoted } from '../mail/printable.ts';
import { sayUnknown, sayWrong, unknownKeys } from './complaint.ts';
import { applyOverrides, DEFAULTS, type Overrides } from './defaults.ts';
import { findKeyLines } from './key-lines.ts';
import type { Fault, FileSettings } from './schema.ts';
import type { Settings } from './settings.ts';

/*
 * Reads a configuration file (TOML) into Settings. Without a file nothing of this is loaded: DEFAULTS hold, and the
 * command line goes over either with `applyOverrides`.
 *
 * 1. `loadConfig` reads the bytes with what it is given for it; `readConfig` is pure.
 * 2. smol-toml (which only this file imports) parses; `config/schema` checks values; unknown keys are errors, as a wish
 *    that is misspelled would be passed over in silence.
 * 3. Each error is one line with file, line, key, what is allowed, and the key that was likely meant. The caller prints
 *    them, sends nothing and exits with 78.
 *
 * Relative paths in the file start from the file's own directory. Nothing here looks whether they exist.
 */
export type ConfigReading =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Octets; a configuration is a few hundred. */
const MAX = 1_048_576;
/** Errors that one run tells of. */
const MAX_ERRORS = 20;

/** Reads a file; it is `readFile` that touches it. Never rejects. */
export async function loadConfig(
  fileName: string,
  readFile: (fileName: string) => Promise<Uint8Array>,
): Promise<ConfigReading> {
  const fail = (reason: string): ConfigReading => ({
    ok: false,
    errors: [`Cannot read configuration: file ${quoted(fileName)} ${reason}`],
  });
  let bytes: Uint8Array;
  try {
    bytes = await readFile(fileName);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return fail(code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`);
  }
  if (bytes.length > MAX) return fail('is larger than 1 MiB');
  const text = decode(bytes);
  return text === undefined ? fail('is not UTF-8') : readConfig(text, fileName);
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads the text of a file; its name is for the errors, and relative paths start from its directory. */
export async function readConfig(text: string, fileName: string): Promise<ConfigReading> {
  const [toml, { checkFile, KNOWN_KEYS }] = await Promise.all([import('smol-toml'), import('./schema.ts')]);
  const place = (line: number): string => `${escapeControls(fileName)}:${line}`;
  let content: unknown;
  try {
    content = toml.parse(text, { maxDepth: 16 });
  } catch (error) {
    if (!(error instanceof toml.TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '').replace(/\.$/, '');
    return { ok: false, errors: [`Cannot read configuration: ${place(error.line)}: ${escapeControls(reason)}`] };
  }
  const unknown = unknownKeys(content, KNOWN_KEYS);
  const checked = checkFile(content);
  const faults = 'faults' in checked ? checked.faults : keyWithoutCert(checked.settings);
  if ('settings' in checked && unknown.length + faults.length === 0) {
    return { ok: true, settings: applyOverrides(DEFAULTS, toOverrides(checked.settings, dirname(fileName))) };
  }
  const lineOf = findKeyLines(text);
  const complaints = [
    ...unknown.map((path) => ({ line: lineOf(path), say: () => sayUnknown(path, KNOWN_KEYS) })),
    ...faults.map((fault) => ({ line: lineOf(fault.path), say: () => sayWrong(fault) })),
  ].sort((one, other) => one.line - other.line);
  const errors = complaints
    .slice(0, MAX_ERRORS)
    .map(({ line, say }) => `Cannot use configuration: ${place(line)}: ${say()}`);
  const more = complaints.length - errors.length;
  return { ok: false, errors: more > 0 ? [...errors, `Cannot use configuration: ${more} more errors`] : errors };
}

function keyWithoutCert({ tls }: FileSettings): readonly Fault[] {
  if (tls?.key === undefined || tls.cert !== undefined) return [];
  return [{ path: ['tls', 'key'], allowed: 'given together with "tls.cert"' }];
}

/** By the names of Settings. */
function toOverrides(file: FileSettings, directory: string): Overrides {
  const path = (name: string): string => (isAbsolute(name) ? name : join(directory, name));
  const { domain, hostname, dns, mx = {}, tls = {}, timeouts, limits = {} } = file;
  return {
    ...given({ domain, hostname, timeouts: timeouts && given(timeouts) }),
    ...queueOverrides(file, path),
    ...(dns?.servers && { dns: { servers: dns.servers } }),
    mx: given({ port: mx.port, allowLocal: mx.allow_local }),
    tls: given({
      level: tls.level,
      ca: tls.ca === undefined || tls.ca === 'system' || tls.ca === 'node' ? tls.ca : path(tls.ca),
      minVersion: tls.min_version,
      cert: tls.cert && path(tls.cert),
      key: tls.key && path(tls.key),
      fingerprints: tls.fingerprints,
    }),
    limits: given({
      recipients: limits.recipients,
      addresses: limits.addresses,
      sessions: limits.sessions,
      destinations: limits.destinations,
      messageSize: limits.message_size,
      rate: limits.rate,
    }),
  };
}

/** What says how the queue is kept and worked. */
function queueOverrides(file: FileSettings, path: (name: string) => string): Overrides {
  const { log, retry, expire, delay_warning, spool = {}, drop = {}, runner = {}, bounce = {} } = file;
  return {
    ...given({ aliases: file.aliases }),
    ...given({ log: log && (LOG_WORDS.includes(log) ? log : path(log)) }),
    spool: given({ dir: spool.dir && path(spool.dir), fsync: spool.fsync }),
    drop: given({ senders: drop.senders, messages: drop.messages, size: drop.size }),
    retry: given({ pauses: retry, expire, delayWarning: delay_warning }),
    runner: given({
      linger: runner.linger,
      sessions: runner.sessions,
      destinationSessions: runner.destination_sessions,
      transactions: runner.transactions,
    }),
    bounce: given({ size: bounce.size, digest: bounce.digest }),
  };
}

/** The others are paths. */
const LOG_WORDS: readonly string[] = ['stderr', 'syslog', 'none'];

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined. */
function given<T extends object>(members: T): Given<T> {
  const result: Given<T> = {};
  for (const key in members) {
    const value = members[key];
    if (value !== undefined) result[key] = value as Exclude<T[typeof key], undefined>;
  }
  return result;
}
