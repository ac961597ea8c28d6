import type { Envelope } from '../mail/envelope.ts';
import { type Field, type Header, headerBytes, makeField } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import { combine, scanBytes } from '../message/scan.ts';
import { memorySource } from '../message/source.ts';

/** One part of a report. */
export interface Part {
  /** Content-Type, with its parameters. */
  readonly type: string;
  readonly description: string;
  /** CRLF line ends. */
  readonly bytes: Buffer;
}

/** A report ready to be queued, and how it travels: from nobody, so that it is never answered by another one. */
export interface Composed {
  readonly message: Message;
  readonly envelope: Envelope;
}

export interface Framing {
  readonly header: Header;
  readonly recipients: Envelope['recipients'];
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Default: multipart/report (RFC 6522) of delivery status (RFC 3464). */
  readonly type?: 'multipart/mixed';
}

const REPORT = 'multipart/report; report-type=delivery-status';
const EIGHT_BIT = makeField('Content-Transfer-Encoding', '8bit');
const isEightBit = (bytes: Buffer): boolean => bytes.some((octet) => octet > 127);

/** The parts behind the header given. */
export function composeReportOf(parts: readonly Part[], { header, recipients, random, type }: Framing): Composed {
  const boundary = freeBoundary(parts, random);
  const ownType = `${type ?? REPORT};\r\n boundary="${boundary}"`;
  const whole = parts.some((part) => isEightBit(part.bytes)) ? [EIGHT_BIT] : [];
  const head = headerBytes([...header, makeField('MIME-Version', '1.0'), makeField('Content-Type', ownType), ...whole]);
  const body = Buffer.concat([
    Buffer.from(type === undefined ? 'This is a report in several parts, in MIME format (RFC 3464).\r\n' : ''),
    ...parts.flatMap((part) => [Buffer.from(`\r\n--${boundary}\r\n`), partHeader(part), part.bytes]),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const facts = combine(scanBytes(head), scanBytes(body));
  return { message: { header: head, body: memorySource(body), facts }, envelope: { sender: null, recipients } };
}

function partHeader({ type, description, bytes }: Part): Buffer {
  const fields: Field[] = [makeField('Content-Type', type), makeField('Content-Description', description)];
  return headerBytes(isEightBit(bytes) ? [...fields, EIGHT_BIT] : fields);
}

/** A boundary that no part holds: what is quoted may have been written by someone who guesses. */
function freeBoundary(parts: readonly Part[], random: () => number): string {
  for (let tries = 0; ; tries++) {
    const chance = Math.floor(random() * 2 ** 48).toString(36);
    const boundary = `=_report_${chance}_${tries}`;
    if (!parts.some((part) => part.bytes.includes(`--${boundary}`))) return boundary;
  }
}
