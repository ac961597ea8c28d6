/*
 * Aliases: what a recipient of this host becomes before its mail is routed. There are no mailboxes here, so a name like
 * `root`, to which cron writes, reaches a person only by way of an alias.
 *
 *   const { aliases, faults } = parseAliases(text, '/etc/aliases');
 *   const { recipients, refused, steps } = expandAliases(asked, aliases, { domain, isLocal, readInclude });
 *
 * Who is looked up: addresses without a domain, and those whose domain is one of this host's own (`isLocal`), first as
 * `local@domain`, then as `local`, then as `default`; of all other addresses only those that stand on the left in full.
 * What an alias gives is looked up again, so aliases form chains. An alias that names itself directly, or a name behind a
 * backslash, is not expanded further (Sendmail, Postfix); a longer ring is refused with all of its names. `default` is for
 * names that have no alias, and its own targets are not given to it again.
 *
 * Each alias is expanded once, whoever leads to it, and each address is a recipient once: time and memory are linear in
 * what the table and the included files hold. What can't be used costs its own target and nothing else. ~/.forward is not
 * read. Nothing here throws, but for what the reader of included files throws.
 */
import { type Address, addressKey, formatAddress, needsUtf8 } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import { type Alias, type AliasTable, type AliasTarget, aliasKey, MAX_TARGETS, readTargets } from './alias-file.ts';

/** A recipient as it was asked for. */
export interface NamedRecipient extends Recipient {
  /** It was given without a domain: it is looked up whatever domain it got. */
  readonly unqualified?: true;
}

export interface AliasOptions {
  /** What names without a domain get where no alias stands for them. */
  readonly domain: string;
  /** Whether names of that domain (lower case, A-labels) are this host's: `localhost`, its own names. */
  isLocal(domain: string): boolean;
  /** Users of this host are marked as such, for a route of their own. */
  readonly markLocal?: boolean;
  /** Reads an included file. Absent: none is read. */
  readInclude?(path: string): Included;
}

/** The text of a file, or why it can't be had. */
export type Included = { readonly text: string } | { readonly reason: string };

/** One replacement, in the order in which they were made, for people who ask what becomes of an address. */
export interface AliasStep {
  /** The address or name that was replaced, or the path of a file. */
  readonly from: string;
  readonly by: 'alias' | 'default' | 'include';
  readonly to: readonly string[];
  readonly file: string;
  readonly line?: number;
}

export interface AliasRefusal {
  /** The recipient whose mail it concerns. */
  readonly recipient: Recipient;
  /** The target that is refused. */
  readonly text: string;
  /** Without a capital and a full stop, to stand behind the target and a colon. */
  readonly reason: string;
}

export interface Expansion {
  /** Each address once, with the wishes (NOTIFY, ORCPT) of the first that led to it. */
  readonly recipients: readonly Recipient[];
  readonly refused: readonly AliasRefusal[];
  readonly steps: readonly AliasStep[];
}

/** Replacements on the way from a recipient to an address; a person's table has two or three. */
const MAX_DEPTH = 50;
/** What a list of lists may come to: more than one call of the command can name. */
const MAX_RECIPIENTS = 50_000;
/** Characters of an included file. */
const MAX_INCLUDE = 1024 * 1024;

interface Place {
  readonly asked: Recipient;
  /** Keys and paths that led here. */
  readonly way: readonly string[];
  readonly byDefault: boolean;
}

/** The recipients that mail for these goes to. */
export function expandAliases(asked: readonly NamedRecipient[], table: AliasTable, options: AliasOptions): Expansion {
  const found = new Map<string, Recipient>();
  const refused: AliasRefusal[] = [];
  const steps: AliasStep[] = [];
  /** Keys and paths that need not be looked at again. */
  const done = new Set<string>();

  const refuse = ({ asked: { address, notify, original } }: Place, text: string, reason: string): void => {
    const recipient = {
      address,
      ...(notify === undefined ? {} : { notify }),
      ...(original === undefined ? {} : { original }),
    };
    refused.push({ recipient, text, reason });
  };

  function keep(address: Address, local: boolean, place: Place): void {
    const key = addressKey(address);
    if (found.has(key)) return;
    if (found.size < MAX_RECIPIENTS)
      found.set(
        key,
        local && options.markLocal === true
          ? { ...recipientFor(address, place.asked), local }
          : recipientFor(address, place.asked),
      );
    else refuse(place, formatAddress(address), `it is one of more than ${MAX_RECIPIENTS} recipients`);
  }

  function visit(address: Address, local: boolean, place: Place): void {
    const match = lookUp(table, { address, local, byDefault: place.byDefault });
    if (match === undefined || match.key === place.way.findLast((key) => !key.startsWith(INCLUDE))) {
      keep(address, local, place);
      return;
    }
    const { key, alias } = match;
    const step = { from: formatAddress(address), by: match.by, to: alias.targets.map(formatTarget) };
    open(key, place, () => {
      steps.push({ ...step, file: alias.file, ...(alias.line === undefined ? {} : { line: alias.line }) });
      follow(alias.targets, {
        ...place,
        way: [...place.way, key],
        byDefault: place.byDefault || match.by === 'default',
      });
    });
  }

  /** Goes into an alias or a file that was not done yet, and is not on the way. */
  function open(key: string, place: Place, enter: () => void): void {
    const { way } = place;
    const first = way.indexOf(key);
    if (first >= 0) {
      const ring = [...way.slice(first), key].join(' -> ');
      refuse(place, key, `aliases lead back to where they began: ${ring.slice(0, 300)}`);
    } else if (way.length >= MAX_DEPTH) {
      refuse(place, key, `more than ${MAX_DEPTH} aliases lead to it`);
    } else if (!done.has(key)) {
      enter();
      done.add(key);
    }
  }

  function follow(targets: readonly AliasTarget[], place: Place): void {
    for (const target of targets) {
      switch (target.kind) {
        case 'address':
          visit(target.address, options.isLocal(target.address.domain), place);
          break;
        case 'local': {
          const address = { local: target.local, domain: options.domain };
          if (target.final) keep(address, true, place);
          else visit(address, true, place);
          break;
        }
        case 'include':
          open(formatTarget(target), place, () => include(target.path, place));
          break;
        case 'refused':
          refuse(place, target.text, target.reason);
          break;
      }
    }
  }

  function include(path: string, place: Place): void {
    const targets = readInclude(options.readInclude?.(path) ?? { reason: 'included files are not read here' });
    const key = `${INCLUDE}${path}`;
    if ('reason' in targets) {
      refuse(place, key, targets.reason);
    } else {
      steps.push({ from: key, by: 'include', to: targets.map(formatTarget), file: path });
      follow(targets, { ...place, way: [...place.way, key] });
    }
  }

  for (const one of asked) {
    const place = { asked: one, way: [], byDefault: false };
    visit(one.address, one.unqualified === true || options.isLocal(one.address.domain), place);
  }
  return { recipients: [...found.values()], refused, steps };
}

/** With a wish to be notified goes the address as it was given, so that the report can name it (RFC 3461, 5.2.7). */
function recipientFor(address: Address, { address: given, notify, original }: Recipient): Recipient {
  if (notify === undefined) return { address, ...(original === undefined ? {} : { original }) };
  if (original !== undefined) return { address, notify, original };
  if (notify === 'never' || needsUtf8(given)) return { address, notify };
  return { address, notify, original: `rfc822;${formatAddress(given)}` };
}

interface Match {
  readonly key: string;
  readonly alias: Alias;
  readonly by: 'alias' | 'default';
}

const DEFAULT = 'default';
const INCLUDE = ':include:';

function lookUp(
  table: AliasTable,
  { address, local, byDefault }: { address: Address; local: boolean; byDefault: boolean },
): Match | undefined {
  const name = address.local;
  const names = local ? [`${name}@${address.domain}`, name, `${name}@localhost`] : [`${name}@${address.domain}`];
  for (const key of names.map(aliasKey)) {
    const alias = table.get(key);
    if (alias !== undefined) return { key, alias, by: 'alias' };
  }
  const alias = local && !byDefault ? table.get(DEFAULT) : undefined;
  return alias === undefined ? undefined : { key: DEFAULT, alias, by: 'default' };
}

/** An included file: targets on lines and between commas, with comments. */
function readInclude(read: Included): readonly AliasTarget[] | { readonly reason: string } {
  if ('reason' in read) return read;
  const { text } = read;
  if (text.length > MAX_INCLUDE) return { reason: `it is larger than ${MAX_INCLUDE} characters` };
  const targets = text
    .split(/\r*\n/)
    .filter((line) => !/^\s*#/.test(line))
    .flatMap((line) => readTargets(line.replace(/[ \t]#.*$/, '')));
  return targets.length > MAX_TARGETS ? { reason: `it names more than ${MAX_TARGETS} targets` } : targets;
}

function formatTarget(target: AliasTarget): string {
  switch (target.kind) {
    case 'local':
      return `${target.final ? '\\' : ''}${target.local}`;
    case 'address':
      return formatAddress(target.address);
    case 'include':
      return `${INCLUDE}${target.path}`;
    case 'refused':
      return quoted(target.text, 200);
  }
}
