import { composeRefusal } from '../bounce/refusal.ts';
import { DEFAULTS } from '../config/defaults.ts';
import type { Settings } from '../config/settings.ts';
import type { Address } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Message } from '../message/message.ts';
import { prepare } from '../message/prepare.ts';
import { head, type Source, section } from '../message/source.ts';
import type { Taker } from '../submit/submit.ts';
import { findDrop } from './drop-place.ts';
import { readSender } from './envelope.ts';
import { withEnvironment } from './environment.ts';
import { type Identity, identify } from './identity.ts';
import { line } from './output.ts';
import { openLog, openQueue, reportSettings } from './queue-open.ts';
import { runnerStart } from './runner-start.ts';
import type { Job } from './send.ts';
import { readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import type { SendOptions } from './values.ts';
import { wayOf } from './way.ts';

/*
 * Mail to whoever handed a message in, about what was wrong with it: for `sendmail -oem`, and for a session of `-bs` in
 * which a message went to some and not to others. It is put into the queue, from nobody, and goes the message's own way.
 */

interface Returning {
  readonly lines: readonly string[];
  readonly to: Address;
  readonly message?: Message;
  readonly options: SendOptions;
  readonly settings: Settings;
}

/** Tells the sender by mail; gives the line that says why it can't be done, empty where there is nobody to tell. */
export async function mailBack(
  { lines, source }: { readonly lines: readonly string[]; readonly source?: Source },
  given: SendOptions,
  around: Surroundings,
): Promise<string | undefined> {
  try {
    const options = withEnvironment(given, around.env);
    // What is wrong may be the configuration: nobody would hear of that.
    const settings = await readSettings(options, around).catch(() => DEFAULTS);
    const identity = identify(settings, around.surface);
    const to = whoAsked(options, identity, around);
    if (to === null) return '';
    const message = source === undefined ? undefined : await readable(source, { to, identity }, around);
    await queue({ lines, to, options, settings, ...(message === undefined ? {} : { message }) }, around);
    return undefined;
  } catch (error) {
    return line(`Cannot mail this to the sender: ${explain(error).text}`);
  }
}

/** Tells the sender of a message of `-bs` that some did not get it. */
export async function tellSender(
  { job, lines }: { readonly job: Job; readonly lines: readonly string[] },
  around: Surroundings,
): Promise<void> {
  const { options, settings, delivery } = job;
  const { sender: to } = delivery.envelope;
  if (to !== null) await queue({ lines, to, options, settings, message: delivery.message }, around);
}

/** The sender, or where it is no address the user who calls. */
function whoAsked(options: SendOptions, { domain }: Identity, { surface }: Surroundings): Address | null {
  try {
    return readSender(options, domain, surface);
  } catch {
    const { sender: _, ...rest } = options;
    return readSender(rest, domain, surface);
  }
}

async function readable(
  source: Source,
  { to, identity: { fqdn, domain } }: { readonly to: Address; readonly identity: Identity },
  around: Surroundings,
): Promise<Message | undefined> {
  const now = around.now();
  const names = { fqdn: fqdn ?? domain, domain };
  const how = { now, zone: around.zone(now), random: () => around.random(), sender: to, ...names };
  return prepare(source, how, { head, section }).then(
    ({ message }) => message,
    () => undefined,
  );
}

async function queue({ options, settings, ...returning }: Returning, around: Surroundings): Promise<void> {
  const now = around.now();
  const { readersOf, fqdn } = reportSettings(settings, around);
  const lines = returning.lines.map((text) => text.replace(/^posthaste: /, '').trimEnd());
  const report = await composeRefusal({
    ...{ ...returning, lines, now, zone: around.zone(now), random: () => around.random(), fqdn },
    returnLimit: settings.bounce.size,
  });
  const { recipients: named, ...envelope } = report.envelope;
  const accept = (taker: Taker, readers: readonly Recipient[]): Promise<unknown> =>
    taker.accept(report.message, {
      ...{ queued: now, envelope, way: wayOf(options, around), uid: around.surface.userId(), report: report.report },
      recipients: readers.map((recipient) => ({
        ...{ recipient, state: 'pending', attempts: 0, nextAttempt: now, history: [] },
      })),
    });
  // As the message would have gone, had somebody not waited for it.
  const { domain } = identify(settings, around.surface);
  const asNamed = named.map((each) =>
    each.address.domain === domain ? { ...each, unqualified: true as const } : each,
  );
  const job = { settings, named: asNamed, options: { ...options, mode: 'background', aliases: true } } as const;
  const drop = findDrop(job, around);
  if (drop !== undefined) {
    await accept((await import('./drop-hand.ts')).openDrop(job, drop, around), named);
    return;
  }
  const log = openLog(settings, around, options.tag);
  const spool = await openQueue({ settings, option: options.spool, log }, around);
  const readers = readersOf?.(named) ?? named;
  await accept(spool, readers.length === 0 ? named : readers);
  await log.close();
  if (options.mode === 'queue') return;
  // It is in the queue already.
  await around.startRunner(spool, runnerStart({ options, spool }, around)).catch(() => {});
}
