import { type AliasTable, formatFault, mergeAliases, parseAliases, readAliasTable } from '../config/alias-file.ts';
import { type AliasRefusal, type Expansion, expandAliases, type NamedRecipient } from '../config/aliases.ts';
import type { Settings } from '../config/settings.ts';
import { formatAddress } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import type { Identity } from './identity.ts';
import type { RefusedAddress } from './output.ts';
import { type Surroundings, SYSTEM_ALIASES } from './surroundings.ts';

/*
 * What recipients of this host become: /etc/aliases and the table `aliases` of the configuration, which goes over it.
 * Loaded only where one was named without a domain or with a name of this host, or where aliases
 * may stand for whole addresses.
 * Our own names are those of the host and of its loopback, and not the domain that completes addresses: that one may have
 * mailboxes elsewhere.
 */

export interface Asked {
  readonly recipients: readonly NamedRecipient[];
  readonly settings: Settings;
  readonly identity: Identity;
  /** Without it, names stay what they are: `sendmail -n`. */
  readonly aliases: boolean;
}

export interface Expanded {
  readonly recipients: readonly Recipient[];
  readonly refused: readonly RefusedAddress[];
}

/** The recipients behind these. What is wrong with the file itself is told by `newaliases`, and not here. */
export function expand(asked: Asked, around: Surroundings): Expanded {
  const expansion = expandFully(asked, around);
  return { recipients: expansion.recipients, refused: expansion.refused.map(refusedTarget) };
}

export const refusedTarget = ({ recipient, text, reason }: AliasRefusal): RefusedAddress => ({
  text: formatAddress(recipient.address),
  reason: `alias target ${quoted(text)}: ${reason}`,
});

/** The same with each step on the way. */
export function expandFully({ recipients, settings, identity, aliases }: Asked, around: Surroundings): Expansion {
  const table = aliases ? readTable(settings, around).table : new Map();
  return expandAliases(recipients, table, {
    domain: identity.domain,
    markLocal: settings.local !== 'relay',
    isLocal: localNames(identity, around),
    readInclude: (path) => around.readAliases(path),
  });
}

/** The whole table, and a line for each fault in it. */
export function readTable(
  settings: Settings,
  around: Surroundings,
): { readonly table: AliasTable; readonly faults: readonly string[] } {
  const read = around.readAliases(SYSTEM_ALIASES);
  const unread = 'text' in read || /^no such file/.test(read.reason) ? [] : [`${SYSTEM_ALIASES}: ${read.reason}`];
  const system = parseAliases('text' in read ? read.text : '', SYSTEM_ALIASES);
  const own = readAliasTable(settings.aliases, 'configuration');
  return {
    table: mergeAliases(system.aliases, own.aliases),
    faults: [...unread, ...[...system.faults, ...own.faults].map(formatFault)],
  };
}

/** Whether addresses of a domain are names of this host's users. */
export function localNames({ fqdn }: Identity, { surface }: Surroundings): (domain: string) => boolean {
  const names = new Set(['localhost', 'localhost.localdomain', surface.hostname().replace(/\.$/, '').toLowerCase()]);
  if (fqdn !== undefined) names.add(fqdn.toLowerCase());
  return (domain) => names.has(domain);
}
