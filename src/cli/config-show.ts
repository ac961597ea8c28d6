import { mergeSaid, type Sourced } from '../config/said.ts';
import { KNOWN_KEYS } from '../config/schema.ts';
import { hideSecrets, writeKey, writeValue } from '../config/written.ts';
import { escapeControls } from '../mail/printable.ts';
import type { ConfigCall } from './config.ts';
import { defaultSaid } from './config-defaults.ts';
import { SHOWN } from './config-options.ts';
import { saidIn } from './config-places.ts';
import { withEnvironment } from './environment.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printJson } from './json.ts';
import { readLayers, settingsOf } from './layers.ts';
import type { OptionKey } from './options.ts';
import type { Surroundings } from './surroundings.ts';
import { readValues } from './values.ts';

/*
 * `posthaste config show`: every setting that holds, as a line of TOML with where it comes from. Values stand as they
 * were said (a relative path starts from its file's folder), secrets hidden.
 */

type From =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'variable' | 'option'; readonly name: string }
  | { readonly kind: 'default' };

/** @throws {CommandError} */
export async function showConfig({ given, around }: ConfigCall): Promise<ExitCode> {
  const asked = new Map(SHOWN.flatMap((key): [OptionKey, readonly string[]][] => optionTexts(key, given.get(key))));
  // What can't be used is told as a send tells it.
  withEnvironment(readValues(asked, []), around.env);
  const layers = await readLayers(given.get('config')?.at(-1), around);
  const settings = settingsOf(layers);
  const defaults = defaultSaid(settings, around).map((said) => ({ ...said, from: { kind: 'default' as const } }));
  const files = layers.map((layer) => saidIn(layer).map((said) => ({ ...said, from: { kind: 'file', ...said.from } })));
  const merged = mergeSaid<From>([
    ...[defaults, ...(files as readonly Sourced<From>[][])],
    ...[saidByVariables(asked, around.env), saidByOptions(asked)],
  ]);
  const shown = [...merged].sort(byKey).map((said) => ({ ...said, value: hideSecrets(said.path, said.value) }));
  const taker = shown.find(({ path: [key], from }) => isTaker(key, from));
  if (given.has('json')) around.stdout.write(asJson(shown));
  else around.stdout.write(asText(shown, taker));
  return EXIT.ok;
}

const optionTexts = (key: OptionKey, texts: readonly string[] | undefined): [OptionKey, readonly string[]][] =>
  texts === undefined ? [] : [[key, texts]];

/** A relay or an account that the caller names takes everything. */
const isTaker = (key: string | undefined, { kind }: From): boolean =>
  (key === 'relay' || key === 'default_account') && (kind === 'option' || kind === 'variable');

interface Naming {
  readonly path: readonly string[];
  readonly option?: OptionKey;
  readonly flag?: string;
  readonly variable?: string;
}

const NAMINGS: readonly Naming[] = [
  { path: ['relay'], option: 'relay', flag: '--relay', variable: 'POSTHASTE_URL' },
  { path: ['default_account'], option: 'account', flag: '--account', variable: 'POSTHASTE_ACCOUNT' },
  { path: ['from'], variable: 'POSTHASTE_FROM' },
  { path: ['hostname'], variable: 'POSTHASTE_HOSTNAME' },
  { path: ['auth'], option: 'auth', flag: '--auth' },
  { path: ['password_file'], option: 'passwordFile', flag: '--password-file' },
  { path: ['password_command'], option: 'passwordCommand', flag: '--password-command' },
  { path: ['log'], variable: 'POSTHASTE_LOG' },
  { path: ['mx', 'port'], option: 'port', flag: '--port' },
  { path: ['tls', 'level'], option: 'tls', flag: '--tls', variable: 'POSTHASTE_TLS' },
  { path: ['tls', 'ca'], option: 'tlsCa', flag: '--tls-ca', variable: 'POSTHASTE_TLS_CA' },
  { path: ['tls', 'cert'], option: 'tlsCert', flag: '--tls-cert' },
  { path: ['tls', 'key'], option: 'tlsKey', flag: '--tls-key' },
  { path: ['tls', 'fingerprints'], option: 'tlsFingerprint', flag: '--tls-fingerprint' },
  { path: ['limits', 'message_size'], option: 'maxSize', flag: '--max-size' },
  { path: ['spool', 'dir'], option: 'spool', flag: '--spool', variable: 'POSTHASTE_SPOOL' },
];

type Asked = ReadonlyMap<OptionKey, readonly string[]>;

function saidByOptions(asked: Asked): readonly Sourced<From>[] {
  return NAMINGS.flatMap(({ path, option, flag = '' }) => {
    const texts = option === undefined ? undefined : asked.get(option);
    if (texts === undefined) return [];
    const text = texts.at(-1) ?? '';
    const value = option === 'tlsFingerprint' ? texts : option === 'port' ? Number(text) : text;
    return [{ path, value, from: { kind: 'option' as const, name: flag } }];
  });
}

/** One way of all mail is enough: an option goes over both variables, and the relay over the account. */
function saidByVariables(asked: Asked, env: Surroundings['env']): readonly Sourced<From>[] {
  const isAsked = asked.has('relay') || asked.has('account');
  return NAMINGS.flatMap(({ path, variable }) => {
    const text = variable === undefined ? undefined : env[variable];
    if (variable === undefined || !text) return [];
    if (path[0] === 'relay' && isAsked) return [];
    if (path[0] === 'default_account' && (isAsked || env.POSTHASTE_URL)) return [];
    return [{ path, value: text, from: { kind: 'variable' as const, name: variable } }];
  });
}

/** As posthaste.toml(5) has them, but tables behind all that stands in none, and routes last. */
function byKey(one: Sourced<From>, other: Sourced<From>): number {
  const [first, second] = [rank(one.path), rank(other.path)];
  return first - second;
}

const TABLES = ['aliases', 'account', 'route'];

function rank([table = '', ...rest]: readonly string[]): number {
  const place = TABLES.indexOf(table);
  if (place >= 0) return 10_000 * (place + 1) + (table === 'route' ? Number(rest[0]) : 0);
  const known = KNOWN_KEYS.indexOf([table, ...rest].join('.'));
  return known < 0 ? 9999 : known;
}

function asText(shown: readonly Sourced<From>[], taker: Sourced<From> | undefined): string {
  let route: string | undefined;
  const lines: string[] = [];
  for (const { path, value, from } of shown) {
    const isRoute = path[0] === 'route';
    if (isRoute && path[1] !== route) lines.push('', '[[route]]');
    if (isRoute) route = path[1];
    const key = isRoute ? path.slice(2) : path;
    lines.push(`${writeKey(key)} = ${writeValue(value)}  # ${nameOf(from)}`);
  }
  const passed =
    taker === undefined
      ? []
      : [`# All mail goes the way that ${nameOf(taker.from)} names: no route and no "local" counts.`];
  return `${[...passed, ...lines].join('\n')}\n`;
}

function nameOf(from: From): string {
  switch (from.kind) {
    case 'file':
      return `${escapeControls(from.file)}:${from.line}`;
    case 'variable':
    case 'option':
      return from.name;
    case 'default':
      return 'default';
  }
}

const asJson = (shown: readonly Sourced<From>[]): string =>
  printJson({ version: 1, settings: shown.map(({ path, value, from }) => ({ key: writeKey(path), value, from })) });
