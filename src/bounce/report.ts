/*
 * A bounce, and the other reports on what became of a message: a multipart/report (RFC 6522) with a part for people, one
 * for programs (RFC 3464) and what is returned of the original. In UTF-8 where addresses or the original's header need
 * it (RFC 6533).
 *
 *   const report = await composeReport(request, { entry, message, now, zone, random, fqdn });
 *   if (report !== undefined) await spool.accept(report.message, { envelope: report.envelope, report: report.report, … });
 *
 * Pure: the hour, the chance and our name are arguments, and a report has the same bytes for the same ones. It is made in
 * memory, and bounded: what is returned has a limit, so have the words about all recipients together.
 *
 * A remote's reply and the original are quoted by people who may have written them for this very purpose. So all words
 * pass `clean`, the original goes into a part of its own, and the boundary is one that stands in none of the parts.
 *
 * Composed by hand, not by a library: the three types of part are not known to those for composing mail, which would
 * re-encode the original's bytes (a message/rfc822 may not be), choose boundaries without looking, and weigh more
 * than all of this room.
 *
 * It never reports to the null sender: there is nobody, and `undefined` says so (RFC 5321, section 4.5.5).
 */
import { type Address, formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { type Header, makeField } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import { cleaned } from './clean.ts';
import { reportHeader, shownFields } from './heading.ts';
import { type Composed, composeReportOf, type Part } from './multipart.ts';
import type { ReportRequest } from './request.ts';
import { fieldsOf, RETURN_LIMIT, type Returned, returnedPart } from './returned.ts';
import { statusPart } from './status.ts';
import { reportText, type TextOptions } from './text.ts';

export interface ReportOptions {
  /** The entry that the request is about. */
  readonly entry: Pick<QueueEntry, 'id' | 'queued' | 'envelope' | 'message' | 'report'>;
  /** Its message; absent where it can't be read any more. */
  readonly message?: Message;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Our own name, in From, Message-ID and Reporting-MTA. */
  readonly fqdn: string;
  /** Who reads what has no other reader. Without one there is no report to the postmaster. */
  readonly postmaster?: Address;
  /** When a delayed message is given up, in milliseconds since 1970. */
  readonly retryUntil?: number;
  /** Octets of an original that is returned whole; default RETURN_LIMIT. */
  readonly returnLimit?: number;
}

/** A report, and what its own entry is to say of it. */
export interface Report extends Composed {
  readonly report: NonNullable<QueueEntry['report']>;
}

/** The report; undefined where there is nobody to read it. @throws what reading the original's body throws */
export async function composeReport(request: ReportRequest, options: ReportOptions): Promise<Report | undefined> {
  const { entry, message, now, random, fqdn, zone } = options;
  const reader = request.to === 'postmaster' ? options.postmaster : entry.envelope.sender;
  if (reader === undefined || reader === null) return undefined;
  const fields = message === undefined ? remembered(entry.message.messageId) : fieldsOf(message);
  const wanted = request.kind === 'failed' && entry.envelope.return !== 'headers' ? 'full' : 'headers';
  // A bounce to be shown to the postmaster holds an original as large as that, and what was said about it.
  const limit = (options.returnLimit ?? RETURN_LIMIT) * (request.to === 'postmaster' ? 4 : 1);
  const returned = message === undefined ? undefined : await returnedPart(message, { wanted, limit });
  const text = reportText(request, { ...options, original: shownFields(fields), returned: outcome(returned, wanted) });
  const parts: readonly Part[] = [
    textPart(text),
    { ...statusPart(request, options), description: 'Delivery report' },
    ...(returned === undefined ? [] : [returned.part]),
  ];
  const header = reportHeader(request, { original: fields, to: formatAddress(reader), now, zone, random, fqdn });
  const passed = request.to === 'postmaster' ? (entry.report?.passed ?? 0) + 1 : 0;
  return {
    ...composeReportOf(parts, { header, recipients: [{ address: reader }], random }),
    report: { kind: request.kind === 'relayed' ? 'delivered' : request.kind, passed },
  };
}

/** The part for people, in ASCII where it is. */
export function textPart(text: string): Part {
  const charset = /[^\0-\x7f]/.test(text) ? 'utf-8' : 'us-ascii';
  const bytes = Buffer.from(text.replaceAll('\n', '\r\n'));
  return { type: `text/plain; charset=${charset}`, description: 'Notification', bytes };
}

/** What the entry knows of a message that can't be read. */
const remembered = (messageId: string | undefined): Header =>
  messageId === undefined ? [] : [makeField('Message-ID', cleaned(messageId, 500))];

function outcome(returned: Returned | undefined, wanted: Returned['how']): TextOptions['returned'] {
  if (returned === undefined) return 'nothing';
  return returned.how === 'headers' && wanted === 'full' ? 'too much' : returned.how;
}
