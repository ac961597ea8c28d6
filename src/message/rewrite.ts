/*
 * Who a message is from, where a relay takes mail from one address only (`from` in the settings), or where a host wants
 * the mail of its programs to have a sender that can be answered:
 *
 *   const rule = { from: address, mode: 'force' };
 *   const sender = rewriteSender({ sender: given, asked: true }, rule);
 *   const header = rewriteFrom(fields, rule, domain);
 *
 *   `keep`      the address stands where nobody said who the message is from, and nothing else is changed.
 *   `envelope`  it is the sender of the envelope always; the header is left.
 *   `force`     it is the address in From too. The name that was there stays, else the address that was there takes its
 *               place, and answers go where they would have gone: Reply-To is added, where there is none.
 *
 * The null sender stays null in each of them, so that no report is ever answered with a report. A Sender that is another
 * address goes with `force`: who owns one address may not say that somebody else sends for it.
 */
import { type Address, addressKey, formatAddress } from '../mail/address.ts';
import { parseAddressList, parseSender } from '../mail/address-list.ts';
import { escapeControls } from '../mail/printable.ts';
import { foldField } from './fold.ts';
import {
  decodeText,
  type Field,
  find,
  findAll,
  type Header,
  makeField,
  rawValue,
  remove,
  unfoldedValue,
} from './header.ts';
import { formatMailbox } from './repair.ts';

export type FromMode = 'keep' | 'envelope' | 'force';

export interface FromRule {
  readonly from: Address;
  readonly mode: FromMode;
}

export interface FromPattern {
  /** `alerts@example.com`, with `%u` for the user and `%h` for the host; `%%` is a percent sign. */
  readonly pattern: string;
  readonly user: string;
  readonly host: string;
  /** Of a pattern without one. */
  readonly domain: string;
}

/** The address that the setting `from` means for this user and host. */
export function readFrom({ pattern, user, host, domain }: FromPattern): { address: Address } | { reason: string } {
  if (/%(?![uh])/.test(pattern.replaceAll('%%', '')))
    return { reason: 'behind "%" stands u (the user), h (the host) or "%"' };
  const words: Readonly<Record<string, string>> = { u: word(user), h: word(host), '%': '%' };
  const reading = parseSender(
    pattern.replace(/%([uh%])/g, (_, letter: string) => words[letter] ?? ''),
    { domain },
  );
  if ('reason' in reading) return reading;
  return reading.address === null ? { reason: 'it is no address' } : { address: reading.address };
}

/** A name as a part of an address: runs of what would have to be quoted there become a hyphen. */
function word(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}_.+-]+/gu, '-').replace(/\.+/g, '.');
  return safe.replace(/^\.|\.$/g, '') || 'unknown';
}

export interface GivenSender {
  readonly sender: Address | null;
  /** The caller named it (`-f`); else it is the user who called. */
  readonly asked: boolean;
}

/** The sender of the envelope. */
export function rewriteSender({ sender, asked }: GivenSender, { from, mode }: FromRule): Address | null {
  if (sender === null) return null;
  return mode === 'keep' && asked ? sender : from;
}

/** Mailboxes that Reply-To gets from From; it has one nearly always. */
const MOST_AUTHORS = 20;
const LONGEST_LINE = 998;
/** Characters; a name for people to read. */
const LONGEST_NAME = 500;

/** The header by the rule; `domain` is that of addresses without one. A missing From is not added here. */
export function rewriteFrom(header: Header, { from, mode }: FromRule, domain: string): Header {
  const old = find(header, 'From');
  if (mode !== 'force') return header;
  const kept = namesOnly(find(header, 'Sender'), from, domain) ? header : remove(header, ['Sender']);
  if (old === undefined || (namesOnly(old, from, domain) && findAll(header, 'From').length === 1)) return kept;
  const fields = authorFields(old, from, domain);
  const answered = findAll(header, 'Reply-To').some((field) => unfoldedValue(field) !== '');
  const put = answered ? fields.slice(0, 1) : fields;
  const gone = answered ? ['From'] : ['From', 'Reply-To'];
  const names = new Set(gone.map((name) => name.toLowerCase()));
  return kept.flatMap((field) => (field === old ? put : names.has(field.name.toLowerCase()) ? [] : [field]));
}

const mailboxesOf = (field: Field, domain: string) =>
  parseAddressList(decodeText(rawValue(field)), { domain, folded: true }).mailboxes;

/** Whether the field holds the address and no other; one that is not there does. */
function namesOnly(field: Field | undefined, address: Address, domain: string): boolean {
  if (field === undefined) return true;
  const { mailboxes, refused } = parseAddressList(decodeText(rawValue(field)), { domain, folded: true });
  const key = addressKey(address);
  return refused.length === 0 && mailboxes.length === 1 && mailboxes.every((one) => addressKey(one.address) === key);
}

/** From as it is to be, then Reply-To where somebody can be answered who isn't in From. */
function authorFields(old: Field, from: Address, domain: string): readonly Field[] {
  const authors = mailboxesOf(old, domain).slice(0, MOST_AUTHORS);
  const [first] = authors;
  const name = first === undefined ? escapeControls(unfoldedValue(old)) : (first.name ?? formatAddress(first.address));
  const shown = name.slice(0, LONGEST_NAME).trim();
  const others = authors.filter(({ address }) => addressKey(address) !== addressKey(from));
  const fields = [makeField('From', formatMailbox({ address: from, ...(shown === '' ? {} : { name: shown }) }))];
  if (others.length > 0) fields.push(makeField('Reply-To', others.map(formatMailbox).join(',\r\n ')));
  return fields.map((field) => foldField(field, LONGEST_LINE));
}
