import type { NamedRecipient } from '../config/aliases.ts';
import type { Address } from '../mail/address.ts';
import { formatAddress, needsUtf8 } from '../mail/address.ts';
import { type AddressList, parseAddressList, parseRecipientArgument, parseSender } from '../mail/address-list.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import { find, type Header, rawValue } from '../message/header.ts';
import { dedupe, recipientsOf } from '../message/recipients.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { localUser, type Surface } from './identity.ts';
import type { RefusedAddress } from './output.ts';
import type { SendOptions } from './values.ts';

/** The sender of `-f`, else the user who calls. @throws {CommandError} with 65 where it is no address */
export function readSender(options: SendOptions, domain: string, surface: Surface): Address | null {
  if (options.sender === undefined) return { local: localUser(surface), domain };
  const reading = parseSender(options.sender, { domain });
  if ('address' in reading) return reading.address;
  throw new CommandError(`Cannot use sender ${quoted(options.sender)}: ${reading.reason}`, EXIT.data);
}

/** The first address of From, where there is one. */
export function senderIn(header: Header, domain: string): Address | undefined {
  const from = find(header, 'From');
  if (from === undefined) return undefined;
  return parseAddressList(rawValue(from).toString('utf8'), { domain, folded: true }).mailboxes[0]?.address;
}

export const nobody = (why: string): CommandError => new CommandError(`Cannot send: ${why}`, EXIT.usage);

export interface Recipients {
  readonly recipients: readonly NamedRecipient[];
  readonly refused: readonly RefusedAddress[];
}

/**
 * Those of the arguments, then with `-t` those of the header, each once.
 * @throws {CommandError} with 64 where nobody is named at all
 */
export function readRecipients(options: SendOptions, header: Header, domain: string): Recipients {
  const lists: AddressList[] = options.words.map((word) => parseRecipientArgument(word, { domain }));
  if (options.readRecipients) lists.push(recipientsOf(header, { domain }));
  const mailboxes = dedupe(lists.flatMap((list) => list.mailboxes));
  const refused = lists.flatMap((list) => list.refused);
  if (mailboxes.length + refused.length === 0) throw nobody('the message names no recipient');
  return {
    recipients: mailboxes.map(({ address, unqualified }) => ({
      ...recipient(address, options),
      ...(unqualified === true ? { unqualified } : {}),
    })),
    refused,
  };
}

/** With a wish to be notified goes the address as it was given, so that the report can name it (RFC 3461, 4.2). */
function recipient(address: Address, { notify }: SendOptions): Recipient {
  if (notify === undefined) return { address };
  if (notify === 'never' || needsUtf8(address)) return { address, notify };
  return { address, notify, original: `rfc822;${formatAddress(address)}` };
}

export function makeEnvelope(sender: Address | null, recipients: readonly Recipient[], options: SendOptions): Envelope {
  return {
    sender,
    recipients,
    ...(options.envelopeId === undefined ? {} : { id: options.envelopeId }),
    ...(options.return === undefined ? {} : { return: options.return }),
    ...(options.requireTls ? { requireTls: true } : {}),
  };
}
