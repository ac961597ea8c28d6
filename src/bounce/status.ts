import { formatAddress, needsUtf8 } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { decodeUtf8Address, encodeUtf8Address } from '../mail/xtext.ts';
import { formatDate } from '../message/date.ts';
import { foldField } from '../message/fold.ts';
import { type Field, makeField } from '../message/header.ts';
import { asciiOnly, cleaned, cleanedReply, ownWords } from './clean.ts';
import type { ReportRequest } from './request.ts';

/*
 * The part for programs (RFC 3464, section 2): a group of fields for the message, then one for each recipient. Where an
 * address is not ASCII it is a message/global-delivery-status in UTF-8 (RFC 6533, section 4); in the other, characters
 * that are not ASCII are escaped.
 */

export interface StatusOptions {
  readonly entry: Pick<QueueEntry, 'id' | 'queued' | 'envelope'>;
  /** Minutes east of UTC. */
  readonly zone: number;
  readonly fqdn: string;
  /** When a delayed recipient is given up. */
  readonly retryUntil?: number;
}

export interface StatusPart {
  readonly type: 'message/delivery-status' | 'message/global-delivery-status';
  readonly bytes: Buffer;
}

/** Octets of all diagnostics together, and of one: bounded however many recipients there are. */
const MOST_DIAGNOSTICS = 200_000;
const LONGEST_DIAGNOSTIC = 900;
const SHORTEST_DIAGNOSTIC = 80;
/** Octets of an address, an envelope id or a name: what fits a line of 998. */
const LONGEST_NAME = 900;

export function statusPart(request: ReportRequest, options: StatusOptions): StatusPart {
  const { entry, zone, fqdn } = options;
  const utf8 = request.recipients.some(({ recipient }) => needsUtf8(recipient.address));
  const text = (value: string) => (utf8 ? value : asciiOnly(value));
  const { id } = entry.envelope;
  const share = Math.floor(MOST_DIAGNOSTICS / request.recipients.length);
  const octets = Math.min(LONGEST_DIAGNOSTIC, Math.max(SHORTEST_DIAGNOSTIC, share));
  const writing: Writing = { ...options, utf8, text, octets, kind: request.kind };
  const groups = [
    [
      field('Reporting-MTA', mtaName(fqdn)),
      ...(id === undefined ? [] : [field('Original-Envelope-Id', text(cleaned(id, LONGEST_NAME)))]),
      field('Arrival-Date', formatDate(entry.queued, zone)),
      field('X-Posthaste-Queue-Id', text(cleaned(entry.id, LONGEST_NAME))),
    ],
    ...request.recipients.map((recipient) => recipientFields(recipient, writing)),
  ];
  const bytes = Buffer.concat(
    groups.flatMap((fields, index) => [...(index > 0 ? [CRLF] : []), ...fields.map((each) => each.raw)]),
  );
  return { type: utf8 ? 'message/global-delivery-status' : 'message/delivery-status', bytes };
}

const CRLF = Buffer.from('\r\n');

interface Writing extends StatusOptions {
  readonly kind: ReportRequest['kind'];
  readonly utf8: boolean;
  /** The text as this part can hold it. */
  readonly text: (value: string) => string;
  /** The most that is said of one failure. */
  readonly octets: number;
}

/** RFC 5322, section 2.1.1: 78 characters where that can be had. */
const field = (name: string, value: string): Field => foldField(makeField(name, value), 78);

function recipientFields(queued: QueuedRecipient, writing: Writing): readonly Field[] {
  const { kind, zone, text, retryUntil } = writing;
  const { recipient, history } = queued;
  const past = history.at(-1);
  // Only where it reported (RFC 3464, section 2.3.5): one that never answered is named by our own words.
  const reporter = kind === 'failed' || kind === 'delayed' ? queued.last : past;
  const host =
    reporter !== undefined && 'stage' in reporter && reporter.reply === undefined ? undefined : reporter?.host;
  const fields = [
    ...(recipient.original === undefined
      ? []
      : [field('Original-Recipient', originalName(recipient.original, writing))]),
    field('Final-Recipient', finalName(queued, writing)),
    field('Action', kind),
    field('Status', statusOf(queued, kind)),
    ...(host === undefined ? [] : [field('Remote-MTA', text(mtaName(host)))]),
    ...diagnostic(queued, writing),
    ...(past === undefined ? [] : [field('Last-Attempt-Date', formatDate(past.at, zone))]),
  ];
  return kind === 'delayed' && retryUntil !== undefined
    ? [...fields, field('Will-Retry-Until', formatDate(retryUntil, zone))]
    : fields;
}

/** The enhanced status; where the one known is none, or is not of this kind, the vaguest one that is. */
export function statusOf({ last, history }: QueuedRecipient, kind: ReportRequest['kind']): string {
  const isGood = kind === 'relayed' || kind === 'delivered';
  const status = isGood ? history.at(-1)?.status : last?.status;
  const classes = { failed: /^[45]\./, delayed: /^4\./, relayed: /^2\./, delivered: /^2\./ };
  if (status !== undefined && classes[kind].test(status) && /^\d\.\d{1,3}\.\d{1,3}$/.test(status)) return status;
  return isGood ? '2.0.0' : kind === 'delayed' ? '4.0.0' : '5.0.0';
}

/** The remote's words, or ours where no server spoke (RFC 3464, section 2.3.6). */
function diagnostic({ last, history }: QueuedRecipient, { kind, text, octets }: Writing): readonly Field[] {
  if (kind === 'relayed' || kind === 'delivered') {
    const past = history.at(-1);
    return past === undefined ? [] : [field('Diagnostic-Code', text(`smtp; ${cleaned(past.text, octets)}`))];
  }
  if (last === undefined) return [];
  const words =
    last.reply === undefined
      ? `X-Posthaste; ${cleaned(ownWords(last), octets)}`
      : `smtp; ${cleanedReply(last.reply, octets)}`;
  return [field('Diagnostic-Code', text(words))];
}

/** A host's name or address as `dns; …` (RFC 3464, section 2.1.2); a mailbox or a socket here is in no DNS. */
function mtaName(host: string): string {
  const name = cleaned(host, LONGEST_NAME);
  if (/^(?:(?:maildir|mbox|file):|discard$|\/)/.test(name)) return `X-Posthaste; ${name}`;
  return `dns; ${/^[\d.]+$|^[^[]*:/.test(name) ? `[${name}]` : name}`;
}

function finalName({ recipient }: QueuedRecipient, { text }: Writing): string {
  const address = cleaned(formatAddress(recipient.address), LONGEST_NAME);
  return needsUtf8(recipient.address) ? `utf-8; ${address}` : `rfc822; ${text(address)}`;
}

/** ORCPT as it was before xtext; an address of type utf-8 in the form that this part takes (RFC 6533, section 3). */
function originalName(original: string, { utf8, text }: Writing): string {
  const end = original.indexOf(';');
  const type = original.slice(0, Math.max(end, 0)).trim();
  const name = original.slice(end + 1).trim();
  const safeType = /^[\w.-]{1,60}$/.test(type) ? type : 'unknown';
  if (safeType.toLowerCase() !== 'utf-8') return `${safeType}; ${text(cleaned(name, LONGEST_NAME))}`;
  const address = decodeUtf8Address(name) ?? name;
  return `utf-8; ${cleaned(utf8 ? address : encodeUtf8Address(address), LONGEST_NAME)}`;
}
