import { escapeControls } from '../mail/printable.ts';

/** A reply that we give (RFC 5321, section 4.2) with its enhanced status (RFC 2034; none in 2xx of EHLO, 354 and 220). */
export interface Answer {
  readonly code: number;
  readonly status?: string;
  readonly text: string;
}

// RFC 5321, section 4.5.3.1.5: 512 octets with code and CRLF.
const LONGEST_TEXT = 480;

/** The text as one line of printable ASCII: nothing of it can end the reply or begin another. */
const safe = (text: string): string =>
  escapeControls(text)
    .replace(/[^ -~]+/g, '?')
    .slice(0, LONGEST_TEXT);

/** The reply as it goes to the client. */
export const formatAnswer = ({ code, status, text }: Answer): string =>
  `${code} ${status === undefined ? '' : `${status} `}${safe(text)}\r\n`;

/** The reply to EHLO (RFC 5321, section 4.1.1.1): our name, then a line for each keyword. */
export const formatHello = (hostname: string, keywords: readonly string[]): string =>
  [hostname, ...keywords]
    .map((line, at, lines) => `250${at === lines.length - 1 ? ' ' : '-'}${safe(line)}\r\n`)
    .join('');

const answer = (code: number, status: string, text: string): Answer => ({ code, status, text });

export const ANSWERS = {
  ok: answer(250, '2.0.0', 'Ok'),
  bye: answer(221, '2.0.0', 'Bye'),
  verify: answer(252, '2.5.2', 'It is not looked up: send mail and see'),
  start: { code: 354, text: 'End with <CRLF>.<CRLF>' },
  unknown: answer(500, '5.5.2', 'Command is not known'),
  notHere: answer(502, '5.5.1', 'Command is not offered here'),
  tooLong: answer(500, '5.5.2', 'Line is too long'),
  control: answer(500, '5.5.2', 'Line holds a control character or is no UTF-8'),
  argument: answer(501, '5.5.4', 'Argument is missing or wrong'),
  noArgument: answer(501, '5.5.4', 'Command takes no argument'),
  nested: answer(503, '5.5.1', 'Sender was named already'),
  noSender: answer(503, '5.5.1', 'MAIL comes first'),
  noRecipient: answer(503, '5.5.1', 'RCPT comes first: no recipient was accepted'),
  inChunks: answer(503, '5.5.1', 'Message has begun with BDAT: go on with BDAT, or RSET'),
  chunkSize: answer(501, '5.5.4', 'Size of chunk is no number: where the next command begins is not known'),
  tooManyRecipients: answer(452, '4.5.3', 'Too many recipients'),
  tooLarge: answer(552, '5.3.4', 'Message is too large'),
  needsUtf8: answer(553, '5.6.7', 'Address needs SMTPUTF8'),
  tooManyErrors: answer(421, '4.7.0', 'Too many commands that are not understood'),
  idle: answer(421, '4.4.2', 'Nothing was said for too long'),
  noRoom: answer(452, '4.3.1', 'Message could not be kept'),
  trouble: answer(451, '4.3.0', 'Message could not be handled'),
} as const satisfies Readonly<Record<string, Answer>>;
