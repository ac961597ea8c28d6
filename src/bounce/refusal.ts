import { type Address, formatAddress } from '../mail/address.ts';
import type { Message } from '../message/message.ts';
import { cleaned } from './clean.ts';
import { heading } from './heading.ts';
import { composeReportOf } from './multipart.ts';
import { type Report, textPart } from './report.ts';
import { fieldsOf, RETURN_LIMIT, type Returned, returnedPart } from './returned.ts';
import { wrap } from './text.ts';

export interface RefusalOptions {
  /** Who handed the message in. */
  readonly to: Address;
  /** What was said of it, a line each. */
  readonly lines: readonly string[];
  /** Absent where it can't be read. */
  readonly message?: Message;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  readonly fqdn: string;
  /** Octets of an original that is returned whole; default RETURN_LIMIT. */
  readonly returnLimit?: number;
}

/** Lines and octets of a line that are told: recipients may be many, and each may have one. */
const MOST_LINES = 100;
const LONGEST_LINE = 500;

/**
 * The mail to who asked to hear by mail (`sendmail -oem`) of a message that was not taken in, or not for everybody. No
 * delivery report for programs is in it: what is wrong need not be a recipient. @throws what reading the body throws
 */
export async function composeRefusal(options: RefusalOptions): Promise<Report> {
  const { to, lines, message, now, zone, random, fqdn, returnLimit: limit = RETURN_LIMIT } = options;
  const original = message === undefined ? [] : fieldsOf(message);
  const returned = message === undefined ? undefined : await returnedPart(message, { wanted: 'full', limit });
  const more = lines.length > MOST_LINES ? [`and ${lines.length - MOST_LINES} lines more`] : [];
  const told = [...lines.slice(0, MOST_LINES), ...more].map((text) => `    ${cleaned(text, LONGEST_LINE)}`);
  const paragraphs = [
    wrap(`This is the mail system at ${cleaned(fqdn, LONGEST_LINE)}.`),
    wrap('A message that was handed in here in your name was not accepted, or not for everybody. This was said of it:'),
    told.join('\n'),
    wrap(WORDS[returned?.how ?? 'nothing']),
  ];
  const parts = [textPart(`${paragraphs.join('\n\n')}\n`), ...(returned === undefined ? [] : [returned.part])];
  const header = heading('Not accepted', { original, to: formatAddress(to), now, zone, random, fqdn });
  return {
    ...composeReportOf(parts, { header, recipients: [{ address: to }], random, type: 'multipart/mixed' }),
    report: { kind: 'failed', passed: 0 },
  };
}

const WORDS: Readonly<Record<Returned['how'] | 'nothing', string>> = {
  full: 'The message follows. Nobody reads replies to this mail.',
  headers: 'The header of the message follows. Nobody reads replies to this mail.',
  nothing: 'The message could not be read. Nobody reads replies to this mail.',
};
