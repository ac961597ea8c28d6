import type { NamedRecipient } from '../config/aliases.ts';
import { type Address, formatAddress } from '../mail/address.ts';
import { parseRecipientArgument, parseSender } from '../mail/address-list.ts';
import type { Envelope, Notify } from '../mail/envelope.ts';
import { isRecord, jsonOf } from '../mail/json.ts';

/*
 * A file of the drop: two lines, then the message as it will be sent.
 *
 *   posthaste-drop 1
 *   {"sender":"ann","recipients":[{"to":"bob@example.net"},{"to":"root"}],"id":"Q1"}
 *   From: …
 *
 * Whoever put it there wrote it, so nothing in it is believed but what it asks for: the user is the file's owner, and how
 * the message goes is for the spool's owner to say. A name without `@` is one of this host, whose domain and aliases the
 * spool's owner knows. What a later version adds is passed over; what it must not be passed over by has another number.
 */

/** What a user asks for. */
export interface DropHead {
  readonly envelope: Omit<Envelope, 'sender' | 'recipients'>;
  readonly sender: Address | null;
  /** The sender was a name without a domain. */
  readonly isLocalSender: boolean;
  /** The sender was named by the user, and is not just who called. */
  readonly isNamed: boolean;
  readonly recipients: readonly NamedRecipient[];
  /** Names are looked up in the aliases. */
  readonly aliases: boolean;
  /** It came to sendmail, and may be gathered with others like it. */
  readonly gather: boolean;
}

const FIRST = 'posthaste-drop 1';
/** Octets of the two lines: 100,000 recipients fit in. */
export const MAX_DROP_HEAD = 16 * 1024 * 1024;
const MOST_RECIPIENTS = 100_000;

/** The two lines. */
export function formatDropHead({ envelope, sender, isLocalSender, isNamed, ...rest }: DropHead): Buffer {
  const { recipients, aliases, gather } = rest;
  const { id, return: back, requireTls } = envelope;
  const head = {
    sender: sender === null ? '' : isLocalSender ? nameOf(sender) : formatAddress(sender),
    recipients: recipients.map(({ address, unqualified, notify, original }) => ({
      to: unqualified === true ? nameOf(address) : formatAddress(address),
      ...(notify === undefined ? {} : { notify }),
      ...(original === undefined ? {} : { original }),
    })),
    ...(id === undefined ? {} : { id }),
    ...(back === undefined ? {} : { return: back }),
    ...(requireTls === true ? { requireTls } : {}),
    ...(isNamed ? { named: true } : {}),
    ...(aliases ? {} : { aliases }),
    ...(gather ? { gather } : {}),
  };
  return Buffer.from(`${FIRST}\n${JSON.stringify(head)}\n`);
}

const nameOf = (address: Address): string => formatAddress(address).slice(0, -address.domain.length - 1);

export type DropReading =
  /** The message begins at `offset`. */
  { readonly head: DropHead; readonly offset: number } | { readonly fault: string };

/** Reads the first octets of a file, of which anybody may have written each; `domain` completes names. Never throws. */
export function parseDropHead(bytes: Buffer, domain: string): DropReading {
  const start = FIRST.length + 1;
  if (bytes.toString('latin1', 0, start) !== `${FIRST}\n`)
    return { fault: 'it is no file of a drop, or of another version' };
  const end = bytes.subarray(0, MAX_DROP_HEAD).indexOf('\n', start);
  if (end < 0) return { fault: 'its second line has no end' };
  const value = jsonOf(bytes.toString('utf8', start, end));
  if (!isRecord(value)) return { fault: 'its second line is no object' };
  try {
    return { head: headOf(value, domain), offset: end + 1 };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
}

class Fault extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function headOf(value: Fields, domain: string): DropHead {
  const sender = text(value, 'sender', /^[^\0-\x1f\x7f]{0,2000}$/) ?? wrong('sender');
  const reading = parseSender(sender, { domain });
  if ('reason' in reading) throw new Fault(`its sender can't be used: ${reading.reason}`);
  const id = text(value, 'id', /^[!-~]{1,100}$/);
  const back = text(value, 'return', /^(?:full|headers)$/);
  const { recipients, requireTls, aliases, named, gather } = value;
  if (!Array.isArray(recipients) || recipients.length === 0 || recipients.length > MOST_RECIPIENTS) wrong('recipients');
  return {
    envelope: {
      ...(id === undefined ? {} : { id }),
      ...(back === undefined ? {} : { return: back === 'full' ? 'full' : 'headers' }),
      ...(truth(requireTls, 'requireTls') === true ? { requireTls: true } : {}),
    },
    sender: reading.address,
    isLocalSender: reading.address !== null && !sender.includes('@'),
    isNamed: truth(named, 'named') ?? false,
    recipients: recipients.map((each: unknown) => recipientOf(each, domain)),
    aliases: truth(aliases, 'aliases') ?? true,
    gather: truth(gather, 'gather') ?? false,
  };
}

function recipientOf(value: unknown, domain: string): NamedRecipient {
  if (!isRecord(value)) return wrong('recipients');
  const to = text(value, 'to', /^[^\0-\x1f\x7f]{1,2000}$/) ?? wrong('recipients');
  const { mailboxes, refused } = parseRecipientArgument(to, { domain });
  const [mailbox] = mailboxes;
  if (mailbox === undefined || mailboxes.length + refused.length !== 1) return wrong('recipients');
  const original = text(value, 'original', /^rfc822;[!-~]{1,1000}$/);
  const notify = notifyOf(value.notify);
  return {
    address: mailbox.address,
    ...(mailbox.unqualified === true ? { unqualified: true } : {}),
    ...(notify === undefined ? {} : { notify }),
    ...(original === undefined ? {} : { original }),
  };
}

const KINDS = ['success', 'failure', 'delay'] as const;

function notifyOf(value: unknown): Notify | undefined {
  if (value === undefined || value === 'never') return value;
  if (!Array.isArray(value) || value.length > KINDS.length) return wrong('notify');
  const kinds = KINDS.filter((kind) => value.includes(kind));
  return kinds.length === value.length ? kinds : wrong('notify');
}

/** A text of this form; undefined where there is none. */
function text(fields: Fields, name: string, form: RegExp): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  return typeof value === 'string' && form.test(value) ? value : wrong(name);
}

const truth = (value: unknown, name: string): boolean | undefined =>
  value === undefined || typeof value === 'boolean' ? value : wrong(name);

function wrong(name: string): never {
  throw new Fault(`its "${name}" can't be used`);
}
