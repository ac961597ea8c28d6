/*
 * The text of an aliases file as Sendmail and Postfix write it, and of the table `aliases` in the configuration:
 *
 *   # comment
 *   root:        ann@example.org, bob
 *   "Mad Max":   :include:/etc/posthaste/max,      a quoted name; a list in a file
 *                \max                              a line that begins with a blank goes on; \ stops expansion
 *   www@localhost: root                            this address alone
 *   default:     ann@example.org                   every local name that has no alias
 *
 * A `#` behind a blank begins a comment too. A bad line is a fault with its number, and the others count. Targets that are
 * commands (`|…`) or files (`/…`) are kept as refused ones: whoever needs them hears of it, and so does `newaliases`.
 *
 * Pure and linear. What is too large is a fault and not read.
 */
import type { Address } from '../mail/address.ts';
import { parseAddressList } from '../mail/address-list.ts';
import { quoted } from '../mail/printable.ts';

/** What an alias stands for. */
export type AliasTarget =
  /** A name without a domain; `final` (with a backslash) is not looked up again. */
  | { readonly kind: 'local'; readonly local: string; readonly final: boolean }
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'include'; readonly path: string }
  | { readonly kind: 'refused'; readonly text: string; readonly reason: string };

export interface Alias {
  /** As it is written on the left. */
  readonly name: string;
  readonly targets: readonly AliasTarget[];
  readonly file: string;
  /** From 1; absent where the configuration says it. */
  readonly line?: number;
}

/** By `aliasKey` of the name. */
export type AliasTable = ReadonlyMap<string, Alias>;

export interface AliasFault {
  readonly file: string;
  readonly line?: number;
  readonly text: string;
}

export interface AliasReading {
  readonly aliases: AliasTable;
  readonly faults: readonly AliasFault[];
}

/** Characters of the largest file that is read: tens of thousands of aliases. */
export const MAX_ALIAS_TEXT = 4 * 1024 * 1024;
/** Targets of one alias or one included file. */
export const MAX_TARGETS = 10_000;

/** Names are compared without regard to case, as every MTA does with its own users. */
export const aliasKey = (name: string): string => name.toLowerCase();

/** One line of a fault: `/etc/aliases:3: no ":" stands behind the name`. */
export const formatFault = ({ file, line, text }: AliasFault): string =>
  `${file}${line === undefined ? '' : `:${line}`}: ${text}`;

/** The aliases of a file's text. */
export function parseAliases(text: string, file: string): AliasReading {
  if (text.length > MAX_ALIAS_TEXT) {
    return { aliases: new Map(), faults: [{ file, text: `it is larger than ${MAX_ALIAS_TEXT} characters` }] };
  }
  const collected = collector(file);
  for (const { line, row } of logicalLines(text)) {
    if ('fault' in row) collected.fault(row.fault, line);
    else collected.add(row.text, line);
  }
  return collected.reading;
}

/** The table `aliases` of the configuration, `name = "target, target"`. */
export function readAliasTable(table: Readonly<Record<string, string>>, file: string): AliasReading {
  const collected = collector(file);
  for (const [name, targets] of Object.entries(table)) collected.put(name, targets);
  return collected.reading;
}

/** Those of `over` in the place of those of the same name. */
export const mergeAliases = (under: AliasTable, over: AliasTable): AliasTable => new Map([...under, ...over]);

/** What `newaliases` says: how many aliases there are, and what is wrong with them. */
export function checkAliases(
  text: string,
  file: string,
): { readonly count: number; readonly faults: readonly AliasFault[] } {
  const { aliases, faults } = parseAliases(text, file);
  return { count: aliases.size, faults };
}

/** The name, quoted or not, and the colon. */
const ROW = /^(?:"((?:[^"\\]|\\.)*)"[ \t]*|([^:"]*)):/;

/** Why no alias can be made of it. */
function wrongWith(name: string, targets: readonly AliasTarget[], aliases: AliasTable): string | undefined {
  if (name === '') return 'the name is missing';
  if (CONTROL.test(name)) return `name ${quoted(name)} holds a control character`;
  const there = aliases.get(aliasKey(name));
  if (there !== undefined) {
    return `alias ${quoted(name)} is there already${there.line === undefined ? '' : `, in line ${there.line}`}`;
  }
  if (targets.length === 0) return `alias ${quoted(name)} names nobody`;
  return targets.length > MAX_TARGETS ? `alias ${quoted(name)} has more than ${MAX_TARGETS} targets` : undefined;
}

function collector(file: string) {
  const aliases = new Map<string, Alias>();
  const faults: AliasFault[] = [];
  const fault = (text: string, line?: number): void => {
    faults.push({ file, ...(line === undefined ? {} : { line }), text });
  };

  function put(given: string, right: string, line?: number): void {
    const name = given.trim();
    const targets = readTargets(right);
    const why = wrongWith(name, targets, aliases);
    if (why !== undefined) {
      fault(why, line);
      return;
    }
    for (const target of targets) {
      if (target.kind === 'refused') fault(`alias ${quoted(name)}: ${quoted(target.text)} ${target.reason}`, line);
    }
    aliases.set(aliasKey(name), { name, targets, file, ...(line === undefined ? {} : { line }) });
  }

  function add(text: string, line: number): void {
    const match = ROW.exec(text);
    if (match === null) fault(`no ":" stands behind the name: ${quoted(text)}`, line);
    else put(match[2] ?? (match[1] ?? '').replace(/\\(.)/g, '$1'), text.slice(match[0].length), line);
  }

  return { add, put, fault, reading: { aliases, faults } };
}

interface Row {
  readonly line: number;
  readonly row: { readonly text: string } | { readonly fault: string };
}

/** Lines with those that go on joined to them, without comments; blank lines and comments don't end one (Postfix). */
function* logicalLines(text: string): Generator<Row, void> {
  let line = 0;
  let start = 0;
  let parts: string[] = [];
  for (const raw of text.replace(/^\ufeff/, '').split('\n')) {
    line++;
    const bare = withoutComment(raw.replace(/\r+$/, ''));
    if (bare.trim() === '') continue;
    if (/^[ \t]/.test(bare)) {
      if (parts.length === 0) yield { line, row: { fault: 'it goes on from a line that is not there' } };
      else parts.push(bare);
      continue;
    }
    if (parts.length > 0) yield { line: start, row: { text: parts.join(' ') } };
    parts = [bare];
    start = line;
  }
  if (parts.length > 0) yield { line: start, row: { text: parts.join(' ') } };
}

/** Up to a `#` at the start or behind a blank, outside of quotes. */
function withoutComment(line: string): string {
  if (!line.includes('#')) return line;
  let inQuotes = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (char === '\\') at++;
    else if (char === '"') inQuotes = !inQuotes;
    else if (char === '#' && !inQuotes && (at === 0 || /[ \t]/.test(line[at - 1] ?? ''))) return line.slice(0, at);
  }
  return line;
}

/** The targets on the right of an alias, or on a line of an included file. */
export const readTargets = (text: string): readonly AliasTarget[] => pieces(text).map(readTarget);

/** What stands between commas that are outside of quotes; empty pieces are nothing. */
function pieces(text: string): readonly string[] {
  const found: string[] = [];
  let inQuotes = false;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '"') inQuotes = !inQuotes;
    if (at < text.length && (char !== ',' || inQuotes)) continue;
    const piece = text.slice(start, at).trim();
    if (piece !== '') found.push(piece);
    start = at + 1;
  }
  return found;
}

const CONTROL = /[\p{Cc}\p{Cs}]/u;
/** It only stands where a domain is asked for; a name without one keeps its local part alone. */
const NO_DOMAIN = 'localhost';

function readTarget(piece: string): AliasTarget {
  const refused = (reason: string): AliasTarget => ({ kind: 'refused', text: piece.slice(0, 200), reason });
  const inner = /^"(.*)"$/.exec(piece)?.[1]?.replace(/\\(.)/g, '$1') ?? piece;
  if (inner.startsWith('|')) return refused('is a command: mail is given to no command');
  if (inner.startsWith('/')) return refused('is a file: mail is written to no file');
  const path = /^:include:[ \t]*(.*)$/i.exec(inner)?.[1]?.replace(/^"(.*)"$/, '$1');
  if (path !== undefined) {
    if (CONTROL.test(path)) return refused('holds a control character');
    return path.startsWith('/') ? { kind: 'include', path } : refused('names no file by its whole path');
  }
  if (inner.startsWith(':')) return refused('is no address, and of such words only ":include:" is known');
  const final = piece.startsWith('\\');
  const { mailboxes, refused: bad } = parseAddressList(final ? piece.slice(1) : piece, { domain: NO_DOMAIN });
  const [mailbox] = mailboxes;
  if (bad[0] !== undefined) return refused(`is no address: ${bad[0].reason}`);
  if (mailbox === undefined || mailboxes.length > 1) return refused('is not one address');
  if (mailbox.unqualified !== true) return { kind: 'address', address: mailbox.address };
  return { kind: 'local', local: mailbox.address.local, final };
}
