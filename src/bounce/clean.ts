import { escapeControls } from '../mail/printable.ts';
import { formatReply, type Reply } from '../mail/reply.ts';
import type { Failure } from '../mail/result.ts';

/*
 * Words of others on their way into a report: on one line, without controls, cut. They can end no line, so they can add
 * no field, no part and no recipient; and each stands behind a blank, so that they can be no delimiter either.
 */

/** The text on one line, at most so many octets of UTF-8 and three dots; no character is divided. */
export function cleaned(text: string, octets: number): string {
  // What is escaped only grows, so nothing behind these characters can be shown.
  const safe = escapeControls(text.slice(0, octets + 1).replaceAll('\t', ' ')).trim();
  const bytes = Buffer.from(safe);
  if (bytes.length <= octets) return text.length > octets + 1 ? `${safe}...` : safe;
  let end = octets;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}...`;
}

/** Each other character than printable ASCII as `\u{…}`. */
export const asciiOnly = (text: string): string =>
  text.replace(/[^ -~]/gu, (point) => `\\u{${(point.codePointAt(0) ?? 0).toString(16)}}`);

/** A reply on one line. */
export const cleanedReply = (reply: Reply, octets: number): string => cleaned(formatReply(reply), octets);

/** Lines of a reply that people are shown. */
const MOST_LINES = 12;

/** A reply as it came, line by line, each with its code. */
export function replyLines({ code, lines }: Reply, octets: number): readonly string[] {
  const shown = lines.slice(0, MOST_LINES).map((line) => cleaned(`${code} ${line}`, octets));
  return lines.length > MOST_LINES ? [...shown, '...'] : shown;
}

/** Where something was said, for people. */
export const place = (host: string, address: string | undefined): string =>
  address === undefined || address === host ? host : `${host} [${address}]`;

/** What is said of a failure where no server spoke; not cleaned. */
export const ownWords = ({ host, address, text }: Failure): string =>
  host === undefined ? text : `${place(host, address)}: ${text}`;
