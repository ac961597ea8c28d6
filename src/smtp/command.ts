import type { Address } from '../mail/address.ts';
import { formatPath } from '../mail/address.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { Stage } from '../mail/result.ts';
import { encodeXtext } from '../mail/xtext.ts';
import type { Part } from './dialogue.ts';
import type { Extensions } from './extensions.ts';

/**
 * The one place where text becomes a command line: nothing that could end the line passes.
 * @throws {RangeError} for CR, LF or NUL: whoever calls has not checked its input.
 */
export function command(line: string, stage: Stage): Part & { kind: 'command' } {
  if (/[\r\n\0]/.test(line))
    throw new RangeError(`Cannot make command: it holds CR, LF or NUL: ${JSON.stringify(line)}`);
  return { kind: 'command', line, stage, reply: true };
}

/** What the message asks of MAIL beside the sender; only what the server offers is sent. */
export interface MailParameters {
  readonly size: number;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  readonly envelope: Envelope;
}

/** MAIL FROM with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461), REQUIRETLS (RFC 8689). */
export function mailCommand(parameters: MailParameters, extensions: Extensions): Part & { kind: 'command' } {
  const { size, eightBit, smtpUtf8, envelope } = parameters;
  const words = [`MAIL FROM:${formatPath(envelope.sender)}`];
  if (extensions.size !== undefined) words.push(`SIZE=${size}`);
  if (eightBit && extensions.eightBitMime) words.push('BODY=8BITMIME');
  if (smtpUtf8 && extensions.smtpUtf8) words.push('SMTPUTF8');
  if (extensions.dsn) {
    if (envelope.return !== undefined) words.push(envelope.return === 'full' ? 'RET=FULL' : 'RET=HDRS');
    if (envelope.id !== undefined) words.push(`ENVID=${encodeXtext(envelope.id)}`);
  }
  if (envelope.requireTls === true) words.push('REQUIRETLS');
  return command(words.join(' '), 'mail');
}

/** RCPT TO with NOTIFY and ORCPT (RFC 3461, sections 4.1 and 4.2). */
export function rcptCommand(recipient: Recipient, extensions: Extensions): Part & { kind: 'command' } {
  const words = [`RCPT TO:${path(recipient.address)}`];
  if (extensions.dsn) {
    const { notify, original } = recipient;
    if (notify !== undefined) words.push(`NOTIFY=${notify === 'never' ? 'NEVER' : notify.join(',').toUpperCase()}`);
    if (original !== undefined) words.push(`ORCPT=${encodeOriginal(original)}`);
  }
  return command(words.join(' '), 'rcpt');
}

const path = (address: Address): string => formatPath(address);

/** The address type stays in the clear, what follows the first `;` is xtext. */
function encodeOriginal(original: string): string {
  const end = original.indexOf(';');
  return `${original.slice(0, end)};${encodeXtext(original.slice(end + 1))}`;
}
