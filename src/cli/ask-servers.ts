import type { Address } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { combine, scanBytes } from '../message/scan.ts';
import { memorySource } from '../message/source.ts';
import { planRoutes } from '../route/plan.ts';
import type { Verdict } from '../submit/smtp-step.ts';
import type { World } from '../world.ts';
import type { FoundMeans } from './means.ts';
import { resultLines } from './output.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { orFailure, wayOf } from './way.ts';

export interface Question {
  readonly sender: Address | null;
  readonly recipients: readonly Recipient[];
  readonly options: SendOptions;
  readonly means: FoundMeans;
  readonly world: World;
}

const NOTHING = Buffer.alloc(0);

/**
 * Asks the servers of each recipient whether they would take it (MAIL, RCPT, RSET); the first lasting refusal, or
 * undefined. What can't be found out now is no refusal: the queue has time to find it out.
 */
export async function askServers(question: Question, around: Surroundings): Promise<Verdict | undefined> {
  const { sender, options, means, world } = question;
  const { settings, table } = means;
  const way = wayOf(options, around);
  const submitter = means.submitterOf({ uid: around.surface.userId(), way: { ...way, named: true } });
  const recipients = planRoutes(question.recipients, table, { sender, ...submitter })
    .filter(({ destination }) => destination.via !== 'local')
    .flatMap((plan) => plan.recipients);
  if (recipients.length === 0) return undefined;
  const message = {
    header: NOTHING,
    body: memorySource(NOTHING),
    facts: combine(scanBytes(NOTHING), scanBytes(NOTHING)),
  };
  const open = orFailure(means.open);
  const delivery = { message, envelope: { sender, recipients }, settings, table, submitter, open, ask: true } as const;
  const results = await around.deliver(delivery, recipients, { world });
  const refused = results.find((result) => result.outcome === 'failed');
  if (refused?.outcome !== 'failed') return undefined;
  const [text = ''] = resultLines([refused]);
  const { status } = refused.failure;
  return { ok: false, permanent: true, status, text: text.replace(/^posthaste: /, '').trimEnd() };
}
