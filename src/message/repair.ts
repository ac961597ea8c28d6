/*
 * The header fields that old programs write, made what servers of today take. Only where it is asked for, as under the
 * name sendmail: a plain send leaves every byte that it was given.
 *
 *   - Addresses without a domain get ours: cron's `To: alice` becomes `To: alice@example.net`. The old way to write a name,
 *     `From: root (Cron Daemon)`, becomes `Cron Daemon <root@example.net>` on that occasion.
 *   - Octets above 127 become encoded words (RFC 2047), in UTF-8 where they are, else in `unknown-8bit`.
 *
 * What needs neither, and what can't be read, stays as it is, byte for byte.
 */
import { isUtf8 } from 'node:buffer';
import { formatAddress } from '../mail/address.ts';
import { type Element, elements } from '../mail/address-elements.ts';
import { type Mailbox, readMailbox } from '../mail/mailbox.ts';
import { asciiField } from './ascii.ts';
import { foldField } from './fold.ts';
import { type Field, type Header, rawValue } from './header.ts';
import { formatFrom } from './phrase.ts';

const ADDRESSES = /^(?:resent-)?(?:from|sender|to|cc|reply-to)$/i;
/** RFC 5322, section 2.1.1. */
const LONGEST_LINE = 998;
/** RFC 2047, section 2: the length of a line with an encoded word. */
const ENCODED_LINE = 76;

/** The header with a domain on each address; the same fields where nothing was to be done. */
export const qualifyHeader = (header: Header, domain: string): Header =>
  header.map((field) => (ADDRESSES.test(field.name) ? qualifyField(field, domain) : field));

/** The header in ASCII, as far as its fields can be. */
export const encodeHeader = (header: Header): Header => header.map(encodeField);

function encodeField(field: Field): Field {
  const encoded = asciiField(field, 'outer');
  return encoded === field ? field : foldField(encoded, ENCODED_LINE);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function qualifyField(field: Field, domain: string): Field {
  const value = rawValue(field);
  // Each decodes any octets so that they come back the same.
  const encoding = isUtf8(value) ? 'utf8' : 'latin1';
  const text = value.toString(encoding);
  const parts: string[] = [];
  let at = 0;
  for (const element of elements(text, true)) {
    const edit = qualified(element, domain);
    if (edit === undefined) continue;
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  if (parts.length === 0) return field;
  const start = field.raw.subarray(0, field.raw.length - value.length - 2);
  const bytes = Buffer.from(`${parts.join('')}${text.slice(at)}\r\n`, encoding);
  return foldField({ name: field.name, raw: Buffer.concat([start, bytes]) }, LONGEST_LINE);
}

/** What gives the mailbox a domain; undefined where it has one, or is none. */
function qualified(element: Element, domain: string): Edit | undefined {
  const mailbox = readMailbox(element, domain);
  if ('reason' in mailbox || mailbox.unqualified !== true) return undefined;
  const { angle, phrase, start, end } = element;
  if (angle === undefined && mailbox.name !== undefined) return { start, end, text: formatMailbox(mailbox) };
  const last = (angle ?? phrase).at(-1);
  return last === undefined ? undefined : { start: last.end, end: last.end, text: `@${mailbox.address.domain}` };
}

const ENCODED_WORD = /^=\?[^? ]+\?[BbQq]\?[^? ]*\?=$/;
const ATOM = /^[\w!#$%&'*+/=?^`{|}~-]+$/;

/** A mailbox in ASCII with its name, one that has encoded words already as it is; folded. */
export function formatMailbox({ address, name }: Pick<Mailbox, 'address' | 'name'>): string {
  const text = formatAddress(address);
  const words = name?.split(' ') ?? [];
  const isPhrase = words.some((word) => ENCODED_WORD.test(word)) && words.every((word) => ATOM.test(word));
  if (!isPhrase) return formatFrom(text, name);
  const folded = words.join(' ').replaceAll('?= =?', '?=\r\n =?');
  const last = folded.length - folded.lastIndexOf('\n');
  return `${folded}${last + text.length > ENCODED_LINE - 'From:  <>'.length ? '\r\n' : ''} <${text}>`;
}
