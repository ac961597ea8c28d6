import { formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import type { Envelope } from '../mail/envelope.ts';
import { escapeControls } from '../mail/printable.ts';
import { formatReply } from '../mail/reply.ts';
import type { DeliveryResult, Undelivered } from '../mail/result.ts';

/*
 * What a person reads on standard error: nothing where all is well, else one line for each recipient that did not get
 * the message, with the remote's own words.
 *
 *   posthaste: bob@example.net: failed (5.1.1): mx.example.net[192.0.2.1]: refused when sending RCPT: 550 No such user
 *
 * Whatever a remote or a caller said is escaped and bounded: a line stays a line, and a terminal obeys nothing in it.
 */

/** Characters of one line: longer than any honest server's reply, short enough for a log. */
const MAX_LINE = 1000;

/** One line of ours, ready to be written. */
export function line(text: string): string {
  const safe = escapeControls(`posthaste: ${text.slice(0, MAX_LINE)}`);
  return safe.length > MAX_LINE ? `${safe.slice(0, MAX_LINE)}…\n` : `${safe}\n`;
}

/** The sender as text; empty for nobody. */
export const formatSender = ({ sender }: Pick<Envelope, 'sender'>): string =>
  sender === null ? '' : formatAddress(sender);

/** An address that was refused before anything was sent. */
export interface RefusedAddress {
  readonly text: string;
  readonly reason: string;
}

export const refusedLine = ({ text, reason }: RefusedAddress): string =>
  line(`${text.slice(0, 200) || '""'}: failed (5.1.3): ${reason}`);

/** The lines of all recipients that were not delivered to, in their order. */
export const resultLines = (results: readonly DeliveryResult[]): readonly string[] =>
  results.filter((result) => result.outcome !== 'delivered').map((result) => line(describe(result)));

/** A line for each recipient that is in the queue, for `-v`. */
export const queuedLines = ({ id, recipients }: QueueEntry): readonly string[] =>
  recipients.map(({ recipient, last }) => {
    const why = last === undefined ? '' : `: ${last.text}`;
    return line(`${formatAddress(recipient.address)}: queued as ${id}${why}`);
  });

function describe(result: Undelivered): string {
  const { recipient, outcome, failure } = result;
  const parts = [
    formatAddress(recipient.address),
    `${outcome} (${failure.status})`,
    place(result),
    failure.text,
    failure.reply === undefined ? undefined : formatReply(failure.reply).slice(0, 500),
  ];
  const said = parts.filter((part) => part !== undefined).join(': ');
  return failure.advice === undefined ? said : `${said} (${failure.advice})`;
}

/** `host[address]`, as far as it is known. */
function place({ failure, peer }: Undelivered): string | undefined {
  const host = failure.host ?? peer?.host;
  const address = failure.address ?? peer?.address;
  if (host === undefined || host === address) return address ?? host;
  return address === undefined ? host : `${host}[${address}]`;
}
