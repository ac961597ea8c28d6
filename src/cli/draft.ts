import type { Address } from '../mail/address.ts';
import { findAll, type Header, unfoldedValue } from '../message/header.ts';
import { type Prepared, prepare } from '../message/prepare.ts';
import { head, type Source, section } from '../message/source.ts';
import type { Recipients } from './envelope.ts';
import type { FoundMeans } from './means.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/** A message as it came, and whose it is. */
export interface Draft {
  readonly source: Source;
  readonly means: FoundMeans;
  /** Who a message without From is from. */
  readonly author: Address | null;
  /** That was said by who hands it in. */
  readonly named: boolean;
  /** Who it is for; the header is as it came. */
  recipients(header: Header): Recipients;
}

/** The message as it goes out: completed, and under sendmail's name mended. @throws {MessageError} */
export async function prepareMessage(
  { source, means, author, named }: Draft,
  options: SendOptions,
  around: Surroundings,
): Promise<Prepared> {
  const { identity, settings } = means;
  const now = around.now();
  const way = named ? { named } : {};
  const submitter = means.submitterOf({ uid: around.surface.userId(), way });
  const usual =
    settings.from === undefined || author === null
      ? undefined
      : await (await import('../delivery/author.ts')).usualAuthor(settings, submitter);
  const sender = usual ?? author;
  const { domain } = identity;
  const names = { fqdn: identity.fqdn ?? domain, domain };
  const random = (): number => around.random();
  const amend =
    options.sendmail === undefined ? undefined : (await import('./amend.ts')).amendment(options.sendmail, domain);
  const completion = {
    ...{ now, random, sender, ...names },
    ...(amend === undefined ? {} : { amend }),
    // Only for a message without From: who calls may have a name in the password database, as sendmail has it.
    get name() {
      const isCaller = options.sendmail !== undefined && !named;
      const name = options.fullName ?? around.env.NAME ?? (isCaller ? around.fullNameOf(submitter.uid) : undefined);
      return name?.replace(/[\r\n\0]+/g, ' ').trim() || undefined;
    },
    // Only for a message without Date: to find the zone takes a millisecond.
    get zone() {
      return around.zone(now);
    },
  };
  return prepare(source, completion, { head, section });
}

/** The message's own, else the one that was added. */
export function findMessageId({ fields, added }: Prepared): string | undefined {
  const [own] = findAll(fields, 'Message-ID');
  const text =
    own === undefined ? added.find((field) => field.startsWith('Message-ID: '))?.slice(12) : unfoldedValue(own);
  return text === undefined || text === '' ? undefined : text.slice(0, 998);
}
