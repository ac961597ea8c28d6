import { messageId } from '../message/complete.ts';
import { formatDate } from '../message/date.ts';
import { foldField } from '../message/fold.ts';
import { find, type Header, makeField, rawValue, remove } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import { composeReportOf } from './multipart.ts';
import { textPart } from './report.ts';
import { fieldsOf, returnedPart } from './returned.ts';
import { wrap } from './text.ts';

export interface RepeatedOptions {
  /** Messages that this one stands for. */
  readonly count: number;
  /** When the one that was sent came, and the first and last of these, in milliseconds since 1970. */
  readonly sent: number;
  readonly first: number;
  readonly last: number;
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  readonly fqdn: string;
  /** Octets of a message that is shown whole. */
  readonly limit: number;
}

/** Fields that belong to the one message alone, or to its body. */
const OWN = [
  ...['Date', 'Message-ID', 'Subject', 'Received', 'DKIM-Signature', 'In-Reply-To', 'References', 'Auto-Submitted'],
  ...['MIME-Version', 'Content-Type', 'Content-Transfer-Encoding', 'Content-Disposition', 'Content-Description'],
];
/** RFC 5322, section 2.1.1. */
const LONGEST_LINE = 998;

/** One message for several that were all like this one. @throws what reading the body throws */
export async function composeRepeated(message: Message, options: RepeatedOptions): Promise<Message> {
  const { count, sent, first, last, now, zone, random, fqdn, limit } = options;
  const fields = fieldsOf(message);
  const header: Header = [
    makeField('Date', formatDate(now, zone)),
    ...remove(fields, OWN),
    subjectOf(fields, count),
    makeField('Message-ID', messageId(now, random, fqdn)),
    // RFC 3834, section 5.
    makeField('Auto-Submitted', 'auto-generated'),
  ];
  const at = (time: number): string => formatDate(time, zone);
  const when = count === 1 ? `on ${at(first)}` : `from ${at(first)} to ${at(last)}`;
  const times = count === 1 ? 'once more' : `${count} more times`;
  const said = wrap(`The message below was sent on ${at(sent)}. It came ${times}, ${when}, and was not sent again.`);
  const { part } = await returnedPart(message, { wanted: 'full', limit });
  return composeReportOf([textPart(`${said}\n`), part], { header, recipients: [], random, type: 'multipart/mixed' })
    .message;
}

function subjectOf(fields: Header, count: number): Header[number] {
  const subject = find(fields, 'Subject');
  const value = subject === undefined ? Buffer.from(' (no subject)') : rawValue(subject);
  const raw = Buffer.concat([Buffer.from(`Subject: ${count} more:`), value, Buffer.from('\r\n')]);
  return foldField({ name: 'Subject', raw }, LONGEST_LINE);
}
