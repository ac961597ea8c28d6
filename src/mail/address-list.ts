/*
 * Address lists (RFC 5322, section 3.4, with the obsolete forms of 4.4 and the UTF-8 of RFC 6532): what a person or
 * program names as recipients or sender becomes addresses for the envelope.
 *
 *   const { mailboxes, refused } = parseAddressList('Ann <ann@example.org>, root', { domain: 'example.net' });
 *
 * Three steps, each linear in time and without recursion: `tokens` (words, quotes, comments), `elements` (what stands
 * between the separators), `readMailbox` (an element becomes a mailbox or is refused with a reason; the others go on).
 * It is lenient where real mail is and the meaning is plain (any words before `<…>`, dots in them, `;` as a separator,
 * groups without an end), and strict in the address itself, where a guess would send mail to somebody else. A name is
 * not looked up anywhere and not decoded.
 *
 * No address holds a control character, a line separator, half a surrogate pair or the mark of bytes that were not
 * UTF-8, so that it may be written to any wire or log as UTF-8. Nothing here throws.
 */
import type { Address } from './address.ts';
import { elements } from './address-elements.ts';
import { type Mailbox, readMailbox } from './mailbox.ts';
import { escapeControls } from './printable.ts';

export interface ListOptions {
  /** What an address without a domain gets. */
  readonly domain: string;
  /** The text is a header's and may be folded; otherwise every CR and LF is refused. */
  readonly folded?: boolean;
}

export interface Refused {
  /** What was refused, controls escaped, cut after 200 characters. */
  readonly text: string;
  /** Without a capital and a full stop, to stand behind a colon. */
  readonly reason: string;
}

export interface AddressList {
  readonly mailboxes: readonly Mailbox[];
  readonly refused: readonly Refused[];
}

const LONGEST_TEXT = 200;

/** All mailboxes of a list, those of groups included, in order and with repetitions. */
export function parseAddressList(text: string, options: ListOptions): AddressList {
  const mailboxes: Mailbox[] = [];
  const refused: Refused[] = [];
  for (const element of elements(text, options.folded === true)) {
    const reading = readMailbox(element, options.domain);
    if ('reason' in reading) refused.push({ text: excerpt(text, element), reason: reading.reason });
    else mailboxes.push(reading);
  }
  return { mailboxes, refused };
}

/** As `parseAddressList`, for one argument of a command: one that names nobody is refused. */
export function parseRecipientArgument(text: string, options: ListOptions): AddressList {
  const list = parseAddressList(text, options);
  if (list.mailboxes.length + list.refused.length > 0) return list;
  return {
    mailboxes: [],
    refused: [{ text: excerpt(text, { start: 0, end: text.length }), reason: 'it names nobody' }],
  };
}

/** The sender as `-f` gives it: one address, with or without a name; nothing at all and `<>` are the null sender. */
export function parseSender(text: string, options: ListOptions): { address: Address | null } | { reason: string } {
  if (['', '<>'].includes(text.replace(/[ \t]/g, ''))) return { address: null };
  const { mailboxes, refused } = parseAddressList(text, options);
  const [first] = mailboxes;
  if (refused[0] !== undefined) return { reason: refused[0].reason };
  if (first === undefined) return { reason: 'it names nobody' };
  return mailboxes.length > 1 ? { reason: 'it names more than one address' } : { address: first.address };
}

const excerpt = (text: string, { start, end }: { start: number; end: number }): string =>
  escapeControls(text.slice(start, Math.min(end, start + LONGEST_TEXT))).slice(0, LONGEST_TEXT);
