import { type Address, formatAddress } from '../mail/address.ts';
import { formatDate } from '../message/date.ts';
import { cleaned } from './clean.ts';
import type { Storm } from './guard.ts';
import { heading } from './heading.ts';
import { composeReportOf } from './multipart.ts';
import { type Report, textPart } from './report.ts';
import { statusPart } from './status.ts';
import { about, wrap } from './text.ts';

export interface DigestOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  readonly fqdn: string;
  readonly postmaster?: Address;
}

/** One report in the place of the counted ones, without their originals; undefined where there is nobody to read it. */
export function composeDigest(storm: Storm, options: DigestOptions): Report | undefined {
  const { now, zone, random, fqdn, postmaster } = options;
  const reader = storm.to === 'postmaster' ? postmaster : storm.sender;
  if (reader === undefined || reader === null || storm.recipients.length === 0) return undefined;
  const { kind, recipients, since = now, ids } = storm;
  const entry = { id: ids.at(-1) ?? '', queued: since, envelope: { sender: storm.sender } };
  const subject = `${storm.counted} more like it: ${kind === 'failed' ? 'not delivered' : kind}`;
  const parts = [
    textPart(digestText(storm, { ...options, since })),
    { ...statusPart({ kind, to: storm.to, recipients }, { entry, zone, fqdn }), description: 'Delivery report' },
  ];
  const header = heading(subject, { original: [], to: formatAddress(reader), now, zone, random, fqdn });
  return {
    ...composeReportOf(parts, { header, recipients: [{ address: reader }], random }),
    report: { kind: 'digest', passed: storm.to === 'postmaster' ? 1 : 0 },
  };
}

function digestText(storm: Storm, { fqdn, since, zone }: DigestOptions & { readonly since: number }): string {
  const { counted, ids, recipients } = storm;
  const others = counted - ids.length;
  const names = ids.map((id) => cleaned(id, 100)).join(' ');
  const paragraphs = [
    `This is the mail system at ${cleaned(fqdn, 500)}.`,
    `Since ${formatDate(since, zone)} there were ${counted} more reports to you that say the same. They were counted ` +
      'and not sent; this one stands for them all, and the messages are not returned.',
    ...recipients.map((recipient) => about(recipient, storm)),
    `In the queue they were: ${names}${others > 0 ? ` and ${others} before them` : ''}.`,
    'If a program sends this mail, correct the address in it, or stop it.',
    'A delivery report for programs follows. Nobody reads replies to this report.',
  ];
  return `${paragraphs.map((text) => wrap(text)).join('\n\n')}\n`;
}
