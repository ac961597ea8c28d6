/*
 * The recipients that a header names (`-t`): those of every To, Cc and Bcc, in order. Where the message was resent, that
 * is where any Resent-To, Resent-Cc or Resent-Bcc is present, only those of these fields count, of all blocks together:
 * the header doesn't say which block is new (RFC 5322, section 3.6.6), and Postfix, Sendmail and Exim do the same.
 *
 * A field's bytes are read as UTF-8. What is no UTF-8 (Latin-1, say) does no harm in a name; in an address it is refused.
 */
import type { Address } from '../mail/address.ts';
import { addressKey } from '../mail/address.ts';
import { type AddressList, parseAddressList } from '../mail/address-list.ts';
import { type Header, rawValue } from './header.ts';

const FIELDS = new Set(['to', 'cc', 'bcc']);
const RESENT_FIELDS = new Set(['resent-to', 'resent-cc', 'resent-bcc']);

/** The mailboxes of the header's recipient fields, with repetitions; `domain` is what unqualified ones get. */
export function recipientsOf(header: Header, options: { readonly domain: string }): AddressList {
  const of = (names: ReadonlySet<string>): Header => header.filter((field) => names.has(field.name.toLowerCase()));
  const resent = of(RESENT_FIELDS);
  const lists = (resent.length > 0 ? resent : of(FIELDS)).map((field) =>
    parseAddressList(rawValue(field).toString('utf8'), { ...options, folded: true }),
  );
  return {
    mailboxes: lists.flatMap((list) => list.mailboxes),
    refused: lists.flatMap((list) => list.refused),
  };
}

/** Keeps the first of those that have the same address, whatever the case of its domain. */
export function dedupe<T extends { readonly address: Address }>(recipients: readonly T[]): readonly T[] {
  const first = new Map<string, T>();
  for (const recipient of recipients) {
    const key = addressKey(recipient.address);
    if (!first.has(key)) first.set(key, recipient);
  }
  return [...first.values()];
}
