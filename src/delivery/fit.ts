import { needsUtf8 } from '../mail/address.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { Failure } from '../mail/result.ts';
import type { Facts } from '../message/message.ts';
import type { Extensions } from '../smtp/extensions.ts';

/** What a session offers, held against what the message and its envelope need. */
export interface Fit {
  /** The message can't go over this session at all. */
  readonly failure?: Failure;
  /** Recipients that can't be named on this session. */
  readonly unnameable: ReadonlyMap<Recipient, Failure>;
  readonly smtpUtf8: boolean;
  /** The body must be re-encoded before it is sent: to seven bits, or only its lines and NULs. */
  readonly reencode?: Reencoding;
}

export type Reencoding = 'seven bits' | 'lines';

export interface FitQuestion {
  readonly facts: Facts;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly extensions: Extensions;
}

/** RFC 5321, section 4.5.3.1.6: octets of a line without its CRLF. */
export const LONGEST_LINE = 998;

export function fitSession({ facts, envelope, recipients, extensions }: FitQuestion): Fit {
  const senderNeedsUtf8 = envelope.sender !== null && needsUtf8(envelope.sender);
  const foreign = recipients.filter((recipient) => needsUtf8(recipient.address));
  const smtpUtf8 = senderNeedsUtf8 || foreign.length > 0;
  const unnameable = new Map<Recipient, Failure>();
  if (smtpUtf8 && !extensions.smtpUtf8) {
    const named = senderNeedsUtf8 ? recipients : foreign;
    for (const recipient of named)
      unnameable.set(recipient, noSmtpUtf8(senderNeedsUtf8 ? 'the sender' : 'the address'));
  }
  const failure = refusal(facts, envelope, extensions);
  return {
    ...(failure === undefined ? {} : { failure }),
    unnameable,
    smtpUtf8: smtpUtf8 && extensions.smtpUtf8,
    ...reencoding(facts, extensions),
  };
}

function reencoding(facts: Facts, extensions: Extensions): Pick<Fit, 'reencode'> {
  if ((facts.eightBitBody || facts.eightBitHeader) && !extensions.eightBitMime) return { reencode: 'seven bits' };
  return facts.longestLine > LONGEST_LINE || facts.nul ? { reencode: 'lines' } : {};
}

function refusal(facts: Facts, envelope: Envelope, extensions: Extensions): Failure | undefined {
  if (extensions.size !== undefined && extensions.size > 0 && facts.size > extensions.size) {
    const text = `the message is too large: it has ${facts.size} octets, the server takes ${extensions.size}`;
    return { scope: 'host', permanent: true, stage: 'mail', status: '5.3.4', text };
  }
  if (envelope.requireTls === true && !extensions.requireTls) {
    const text = 'TLS is required on the whole way, but the server does not offer REQUIRETLS';
    return { scope: 'host', permanent: true, stage: 'mail', status: '5.7.30', text };
  }
  return undefined;
}

/** RFC 6531, section 3.2: there is no other way to write such a local part. */
const noSmtpUtf8 = (what: string): Failure => ({
  scope: 'host',
  permanent: true,
  stage: 'mail',
  status: '5.6.7',
  text: `${what} is not ASCII, and the server does not offer SMTPUTF8`,
});
