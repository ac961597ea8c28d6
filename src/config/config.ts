import { dirname, isAbsolute, join } from 'node:path';
import { escapeControls, quoted } from '../mail/printable.ts';
import { isTable, sayLost, sayUnknown, sayWrong, unknownKeys } from './complaint.ts';
import type { Overrides } from './defaults.ts';
import { findKeyLines } from './key-lines.ts';
import { toOverrides } from './overrides.ts';
import { listSaid, type Said } from './said.ts';
import type { Fault, FileSettings } from './schema.ts';

/*
 * Reads a configuration file (TOML) into Overrides, which go over DEFAULTS or over other files with `applyOverrides`.
 * Without a file nothing of this is loaded.
 *
 * 1. `loadConfig` reads the bytes with what it is given for it; `readConfig` is pure.
 * 2. smol-toml (which only this file imports) parses; `config/schema` checks values; unknown keys are errors, as a wish
 *    that is misspelled would be passed over in silence.
 * 3. Each error is one line with file, line, key, what is allowed, and the key that was likely meant. The caller prints
 *    them, sends nothing and exits with 78.
 *
 * Relative paths in the file start from the file's own directory, `~/` is home. Nothing here looks whether they exist.
 */
export type ConfigReading =
  | {
      readonly ok: true;
      readonly overrides: Overrides;
      /** Each value as it stands there; found when it is asked for. */
      readonly said: () => readonly Said[];
    }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Octets; a configuration is a few hundred. */
const MAX = 1_048_576;
/** Errors that one run tells of. */
const MAX_ERRORS = 20;

export interface Loading {
  readFile(fileName: string): Promise<Uint8Array>;
  /** What `~/` in paths stands for. */
  readonly home?: string | undefined;
  /** The absolute path, where the name is none. */
  readonly at?: string | undefined;
}

/** Reads a file; it is `readFile` that touches it. Never rejects. */
export async function loadConfig(fileName: string, { readFile, home, at }: Loading): Promise<ConfigReading> {
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
  return text === undefined ? fail('is not UTF-8') : readConfig(text, fileName, { home, at });
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads the text of a file; its name is for the errors, relative paths start from its directory, and `~/` from `home`. */
export async function readConfig(
  text: string,
  fileName: string,
  { home, at = fileName }: Omit<Loading, 'readFile'> = {},
): Promise<ConfigReading> {
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
  const faults = 'faults' in checked ? checked.faults : amiss(checked.settings, unknown.length === 0);
  if ('settings' in checked && unknown.length + faults.length === 0) {
    const said = () => listSaid(content, KNOWN_KEYS, findKeyLines(text));
    const lost: string[] = [];
    const path = pathFrom({ folder: dirname(at), home, lost });
    const overrides = toOverrides(checked.settings, path);
    if (lost.length === 0) return { ok: true, overrides, said };
    const homeless = said().filter(({ value }) => lost.some((name) => JSON.stringify(value).includes(name)));
    return {
      ok: false,
      errors: homeless.map((each) => `Cannot use configuration: ${place(each.line)}: ${sayLost(each)}`),
    };
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

/** What one key asks of another: a key its certificate, a route something to say; `isWhole`: every key is known. */
function amiss({ tls, account = {}, route = [] }: FileSettings, isWhole: boolean): readonly Fault[] {
  const places = [
    { at: [], tls },
    ...route.map((each, index) => ({ at: ['route', String(index)], tls: each.tls })),
    ...Object.entries(account).map(([name, each]) => ({ at: ['account', name], tls: each.tls })),
  ];
  const keys = places
    .filter((place) => place.tls?.key !== undefined && place.tls.cert === undefined)
    .map(({ at }) => ({ path: [...at, 'tls', 'key'], allowed: 'given together with the "cert" beside it' }));
  const silent = route.flatMap((each, index) =>
    !isWhole || saysSomething(each)
      ? []
      : [{ path: ['route', String(index)], allowed: 'a table with a key in it, or not there' }],
  );
  return [
    ...keys,
    ...silent,
    ...Object.entries(account).flatMap(([name, each]) => amissInLogin(each, ['account', name])),
  ];
}

/** A route for all mail that says nothing of it would hide what stands behind it. */
const saysSomething = (value: unknown): boolean =>
  isTable(value) ? Object.values(value).some(saysSomething) : value !== undefined;

type FileAccount = NonNullable<FileSettings['account']>[string];

/** There is one way to log in. */
function amissInLogin(account: FileAccount, at: readonly string[]): readonly Fault[] {
  const { oauth, password_file, password_command } = account;
  if (oauth === undefined) return [];
  const others = Object.keys(oauth).filter((key) => key !== 'token_command');
  return [
    ...(password_file === undefined && password_command === undefined
      ? []
      : [{ path: [...at, 'oauth'], allowed: 'there without a "password_file" or "password_command" beside it' }]),
    ...(oauth.token_command === undefined || others.length === 0
      ? []
      : [{ path: [...at, 'oauth', 'token_command'], allowed: 'the only key of its table' }]),
  ];
}

interface Start {
  readonly folder: string;
  readonly home: string | undefined;
  /** Takes the paths in a home that is not there. */
  readonly lost: string[];
}

/** `~/` is the home of the user who reads the file; other paths start from the file's folder. */
const pathFrom =
  ({ folder, home, lost }: Start) =>
  (name: string): string => {
    const isHome = /^~(\/|$)/.test(name);
    if (isHome && home !== undefined) return join(home, name.slice(1));
    if (isHome) lost.push(name);
    return isAbsolute(name) ? name : join(folder, name);
  };
