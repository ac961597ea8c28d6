import { isUtf8 } from 'node:buffer';
import { messageId } from '../message/complete.ts';
import { formatDate } from '../message/date.ts';
import { foldField } from '../message/fold.ts';
import { find, type Header, makeField, unfoldedValue } from '../message/header.ts';
import { encodeWords, formatFrom } from '../message/phrase.ts';
import { cleaned } from './clean.ts';
import type { ReportRequest } from './request.ts';

/*
 * The header of a report. Its subject ends with the original's, which tells more to whoever reads a list of mail; it
 * answers the original, so that readers show them together.
 */

export interface HeadingOptions {
  /** The original's fields. */
  readonly original: Header;
  /** The address of the reader. */
  readonly to: string;
  readonly now: number;
  readonly zone: number;
  readonly random: () => number;
  readonly fqdn: string;
}

const SUBJECTS = {
  failed: 'Not delivered',
  delayed: 'Delayed, still trying',
  relayed: 'Passed on',
  delivered: 'Delivered',
} as const;

export function reportHeader(request: ReportRequest, options: HeadingOptions): Header {
  const subject = request.to === 'postmaster' ? 'Bounce not delivered' : SUBJECTS[request.kind];
  return heading(subject, options);
}

/** The fields of a report, but for those of MIME. */
export function heading(subject: string, { original, to, now, zone, random, fqdn }: HeadingOptions): Header {
  const answered = identifiers(original, 'Message-ID').slice(0, 1);
  const thread = [...identifiers(original, 'References').slice(-MOST_REFERENCES), ...answered];
  return [
    makeField('Date', formatDate(now, zone)),
    makeField('From', formatFrom(`MAILER-DAEMON@${fqdn}`, 'Mail Delivery System')),
    makeField('To', to),
    foldField(makeField('Subject', subjectOf(subject, original)), 78),
    makeField('Message-ID', messageId(now, random, fqdn)),
    ...answered.map((id) => makeField('In-Reply-To', id)),
    ...(thread.length === 0 ? [] : [foldField(makeField('References', thread.join(' ')), 78)]),
    // RFC 3834, section 5: a response to a message, made by a program; nobody's vacation answers it.
    makeField('Auto-Submitted', 'auto-replied'),
  ];
}

/** Ids of a thread: more would make a long field of what is only a hint. */
const MOST_REFERENCES = 10;

/** What looks like an id, of a length that a line can hold. */
function identifiers(header: Header, name: string): readonly string[] {
  const field = find(header, name);
  if (field === undefined) return [];
  return (
    unfoldedValue(field)
      .slice(0, 20_000)
      .match(/<[!-;=?-~]{3,250}>/g) ?? []
  );
}

/** Octets of another's subject: a line or two. */
const MOST_SUBJECT = 150;

/** The subject with the original's behind it; its encoded words stay, if whole, and what isn't ASCII becomes some. */
function subjectOf(subject: string, original: Header): string {
  const field = find(original, 'Subject');
  const value = field === undefined ? '' : unfoldedValue(field);
  const isEncoded = value.includes('=?');
  if (value === '' || (isEncoded && value.length > 4 * MOST_SUBJECT)) return subject;
  const text = isEncoded ? cleaned(value, 4 * MOST_SUBJECT) : cleaned(value, MOST_SUBJECT);
  return `${subject}: ${/[^ -~]/.test(text) ? encodeWords(Buffer.from(text)) : text}`;
}

/** Fields by which people know their message again, as they can be shown: encoded words would only puzzle. */
export function shownFields(original: Header): readonly (readonly [string, string])[] {
  return ['Subject', 'To', 'Date', 'Message-ID'].flatMap((name) => {
    const field = find(original, name);
    if (field === undefined || !isUtf8(field.raw)) return [];
    const value = cleaned(unfoldedValue(field), MOST_SUBJECT);
    return value === '' || value.includes('=?') ? [] : [[name, value] as const];
  });
}
