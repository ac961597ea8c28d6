/*
 * What a message needs before it goes out, and what it must not carry (RFC 6409, section 8; RFC 5322, section 3.6).
 * Missing fields are put at the end of the header, as Postfix does: what stands above keeps its place. Bcc, Resent-Bcc and
 * Return-Path are taken out always; nothing else is changed. A field that is there but empty or wrong counts as there:
 * its writer meant something by it, and two of a kind would be worse. Resent- fields are a matter of who resends: they are
 * neither added nor changed, except Resent-Bcc.
 *
 * Pure: the hour, the chance and our names are arguments.
 */
import { type Address, formatAddress } from '../mail/address.ts';
import { formatDate } from './date.ts';
import { append, type Field, find, findAll, type Header, makeField, remove, unfoldedValue } from './header.ts';
import { formatFrom } from './phrase.ts';

export interface Completion {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Our own name, for Message-ID: a domain or an address literal. */
  readonly fqdn: string;
  /** The domain of addresses that have none, for MAILER-DAEMON. */
  readonly domain: string;
  /** The reverse-path; `null` writes as MAILER-DAEMON. */
  readonly sender: Address | null;
  /** The name to show with the sender's address. */
  readonly name?: string | undefined;
}

/** Fields that never leave us (RFC 5322, section 3.6.3; RFC 5321, section 4.4). */
export const REMOVED = ['Bcc', 'Resent-Bcc', 'Return-Path'] as const;

/** `<time.random@fqdn>`; 64 bits of chance, so that processes of one millisecond differ. */
export function messageId(now: number, random: () => number, fqdn: string): string {
  const chance = () =>
    Math.floor(random() * 2 ** 32)
      .toString(36)
      .padStart(7, '0');
  return `<${Math.floor(now).toString(36)}.${chance()}${chance()}@${fqdn}>`;
}

/** Whether nothing in the header says who it is for: no To, no Cc with a value, and none of their Resent- twins. */
function namesNobody(header: Header): boolean {
  const to = find(header, 'To') ?? find(header, 'Resent-To');
  const cc = [...findAll(header, 'Cc'), ...findAll(header, 'Resent-Cc')];
  return to === undefined && cc.every((field) => unfoldedValue(field) === '');
}

/** Whether a field is there that has no meaning without MIME-Version (RFC 2045, section 4). */
function declaresMime(header: Header): boolean {
  const type = find(header, 'Content-Type');
  const encoding = find(header, 'Content-Transfer-Encoding');
  return (
    (type !== undefined && /^[^\s/;]+\s*\/\s*[^\s/;]+/.test(unfoldedValue(type))) ||
    (encoding !== undefined && /^(?:8bit|binary)$/i.test(unfoldedValue(encoding)))
  );
}

/** The fields that are missing, in the order in which they are added. */
export function missing(header: Header, how: Completion): Header {
  const fields: Field[] = [];
  const add = (name: string, value: () => string) => {
    if (find(header, name) === undefined) fields.push(makeField(name, value()));
  };
  const sender = how.sender ?? { local: 'MAILER-DAEMON', domain: how.domain };
  add('Date', () => formatDate(how.now, how.zone));
  add('From', () => formatFrom(formatAddress(sender), how.name));
  if (namesNobody(header)) add('To', () => 'undisclosed-recipients:;');
  add('Message-ID', () => messageId(how.now, how.random, how.fqdn));
  if (declaresMime(header)) add('MIME-Version', () => '1.0');
  return fields;
}

export interface Completed {
  readonly fields: Header;
  readonly added: readonly Field[];
  readonly removed: readonly Field[];
}

/** The header as it is to be sent. @throws {TypeError} where name, fqdn or an address holds CR, LF or NUL */
export function complete(header: Header, how: Completion): Completed {
  const kept = remove(header, REMOVED);
  const added = missing(kept, how);
  return { fields: append(kept, added), added, removed: header.filter((field) => !kept.includes(field)) };
}
