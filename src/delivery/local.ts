/*
 * Delivery on this machine: into a Maildir, an mbox, a folder of files, nowhere, or refused by the configuration.
 *
 *     const results = await deliverLocally({ kind: 'maildir', path: '/home/bob/Maildir' }, letter, world, signal);
 *
 * Each recipient gets a copy of its own, but in a folder of files, where one has all their names. What is told as
 * delivered has been fsynced. A path is that of the mailbox itself: `localPath` makes it of a pattern. Files belong to
 * who runs this process, and are closed to others (0600). Root delivers only where nobody else has a hand in; into what is
 * a user's, a process of that user's does it (`here`, `as-owner`).
 *
 * It never rejects but for a bug; what the disk says becomes a failure (`local-trouble`). Memory stays constant, and the
 * message's body is read once for each copy.
 */
import { type LocalTarget, nameOfVia } from '../config/via.ts';
import type { Ending } from '../mail/ending.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Delivered, DeliveryResult, Failure, Peer } from '../mail/result.ts';
import type { World } from '../world.ts';
import { capture } from './capture.ts';
import { INTERRUPTED } from './failures.ts';
import type { Letter, LocalMeans } from './letter.ts';
import { type LocalDisk, systemLocalDisk } from './local-disk.ts';
import { failureOf } from './local-trouble.ts';
import { deliverToMaildir } from './maildir.ts';
import { deliverToMbox } from './mbox.ts';

export interface LocalWorld extends Pick<World, 'now' | 'random' | 'sleep' | 'become'> {
  /** Absent: the system's. */
  readonly disk?: LocalDisk;
}

/** Tries to deliver to the recipients; gives one result for each, in their order. */
export async function deliverLocally(
  target: LocalTarget,
  letter: Letter,
  world: LocalWorld,
  signal?: Ending,
): Promise<readonly DeliveryResult[]> {
  const means = { disk: world.disk ?? systemLocalDisk, ...bound(world), signal };
  const { recipients } = letter;
  switch (target.kind) {
    case 'maildir':
    case 'mbox':
      return inTurn(recipients, (recipient) => deliverOne(target, { letter, recipient }, means));
    case 'file': {
      const outcome = await attempted(target, means, () => capture(target.folder, letter, means));
      return recipients.map((recipient) => resultOf(recipient, outcome));
    }
    case 'discard':
      return recipients.map((recipient) => resultOf(recipient, done(target, 'discarded, as the configuration says')));
    case 'reject': {
      const where = { scope: 'recipient', permanent: true, stage: 'rcpt', status: '5.7.1' } as const;
      const text = target.text === '' ? 'refused by the configuration' : target.text;
      return recipients.map((recipient) => resultOf(recipient, { ...where, text }));
    }
  }
}

const bound = (world: LocalWorld): Pick<LocalMeans, 'now' | 'random' | 'sleep'> => ({
  now: () => world.now(),
  random: () => world.random(),
  sleep: (milliseconds, signal) => world.sleep(milliseconds, signal),
});

async function deliverOne(
  target: Extract<LocalTarget, { path: string }>,
  copy: { readonly letter: Letter; readonly recipient: Recipient },
  means: LocalMeans,
): Promise<DeliveryResult> {
  const outcome = await attempted(target, means, () =>
    target.kind === 'maildir' ? deliverToMaildir(target.path, copy, means) : deliverToMbox(target.path, copy, means),
  );
  return resultOf(copy.recipient, outcome);
}

type Outcome = Pick<Delivered, 'reply' | 'peer'> | Failure;

/** What came of it; `act` says what it did. @throws {Error} a bug's */
async function attempted(
  target: Extract<LocalTarget, { path: string } | { folder: string }>,
  { signal }: LocalMeans,
  act: () => Promise<string>,
): Promise<Outcome> {
  if (signal?.aborted === true) return INTERRUPTED;
  try {
    return done(target, await act());
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    return failure.scope === 'host' ? { ...failure, host: nameOfVia(target) } : failure;
  }
}

export function done(target: LocalTarget, words: string): Pick<Delivered, 'reply' | 'peer'> {
  const name = nameOfVia(target);
  const peer: Peer = { host: name, address: name, port: 0 };
  return { reply: { code: 250, status: '2.0.0', lines: [`2.0.0 ${words}`] }, peer };
}

export function resultOf(recipient: Recipient, outcome: Outcome): DeliveryResult {
  if ('reply' in outcome && 'peer' in outcome) return { outcome: 'delivered', recipient, ...outcome, final: true };
  return { outcome: outcome.permanent ? 'failed' : 'deferred', recipient, failure: outcome };
}

async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const one of all) results.push(await work(one));
  return results;
}
