import type { Settings } from '../config/settings.ts';
import type { Delivery } from '../delivery/deliver.ts';
import type { Address } from '../mail/address.ts';
import type { Way } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import type { Header } from '../message/header.ts';
import type { Prepared } from '../message/prepare.ts';
import { nameOf, type Plan, planRoutes } from '../route/plan.ts';
import { type RouteTable, userOf } from '../route/table.ts';
import { type Draft, findMessageId, prepareMessage } from './draft.ts';
import { makeEnvelope, nobody, type Recipients, readRecipients, readSender, senderIn } from './envelope.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Attempt, History } from './history.ts';
import type { Identity } from './identity.ts';
import type { Log } from './log.ts';
import { readMeans } from './means.ts';
import { formatSender, line, type RefusedAddress } from './output.ts';
import { persist } from './persist.ts';
import { ready } from './ready.ts';
import { wordsOf } from './setup.ts';
import { type Surroundings, SYSTEM_ALIASES } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { OPTION_VARIABLES } from './variables.ts';
import type { Watch } from './watch.ts';
import { orFailure, wayOf } from './way.ts';

/** A message that is ready, with everything that is known of how it is to go. */
export interface Job {
  readonly options: SendOptions;
  readonly settings: Settings;
  readonly prepared: Prepared;
  readonly delivery: Delivery;
  readonly plans: readonly Plan[];
  readonly way: Way;
  readonly refused: readonly RefusedAddress[];
  readonly messageId?: string;
  /** Those that were asked for, before their aliases. */
  readonly named: Recipients['recipients'];
}

/**
 * Everything before the first connection. What can be wrong in options and configuration is told before the message is
 * read, and no connection ever waits for a slow standard input.
 * @throws the errors that `cli/trouble` knows
 */
export async function makeJob(given: SendOptions, around: Surroundings): Promise<Job> {
  if (given.words.length === 0 && !given.readRecipients) throw nobody('no recipient was given');
  const hasVariables = OPTION_VARIABLES.some((name) => around.env[name]);
  const asked = hasVariables ? (await import('./environment.ts')).withEnvironment(given, around.env) : given;
  const means = await readMeans(asked, around, 'handed over');
  const { identity, settings, table } = means;
  if (asked.askPassword) await around.askPassword(promptFor(table));
  // Where there is one way only, what it lacks is told before the message is read.
  const options = await ready(asked, { means, rules: table.rules.length === 0 ? [table.rest] : [] }, around);
  const author = readSender(options, identity.domain, around.surface);
  const source = await around.readMessage({
    ...(options.file === undefined ? {} : { file: options.file }),
    maxSize: settings.limits.messageSize,
    ...(options.sendmail === undefined ? {} : { dots: { ...options.sendmail, loneDot: settings.sendmail.loneDot } }),
  });
  const recipients = (header: Header): Recipients => readRecipients(options, header, identity.domain);
  return draftJob(
    options,
    { source, means, author, named: options.sender !== undefined || options.headerSender, recipients },
    around,
  );
}

/** The job of a message that was read. @throws the errors that `cli/trouble` knows */
export async function draftJob(asked: SendOptions, draft: Draft, around: Surroundings): Promise<Job> {
  const { means } = draft;
  const { identity, settings, table } = means;
  const prepared = await prepareMessage(draft, asked, around);
  const named = draft.recipients(prepared.fields);
  const { recipients, refused } = await whoReads(named, { options: asked, settings, identity }, around);
  const asksForAuthor = table.rules.some(({ byAuthor }) => byAuthor === true);
  const author = asked.headerSender || asksForAuthor ? senderIn(prepared.fields, identity.domain) : undefined;
  const sender = asked.headerSender ? (author ?? draft.author) : draft.author;
  const messageId = findMessageId(prepared);
  const way = {
    ...wayOf(asked, around),
    ...(draft.named ? { named: true as const } : {}),
    ...(author === undefined || !asksForAuthor ? {} : { author }),
  };
  const submitter = means.submitterOf({ uid: around.surface.userId(), way });
  const envelope = makeEnvelope(sender, recipients, asked);
  const plans = planRoutes(recipients, table, { sender: envelope.sender, ...submitter });
  const options = await ready(asked, { means, rules: new Set(plans.map(({ rule }) => rule)) }, around);
  return {
    options,
    settings,
    prepared,
    refused,
    named: named.recipients,
    plans,
    way,
    ...(messageId === undefined ? {} : { messageId }),
    delivery: { message: prepared.message, envelope, settings, table, submitter, open: orFailure(means.open) },
  };
}

/** Nothing is to be sent where there is nothing. */
export const skipsEmpty = ({ options, settings }: Pick<Job, 'options' | 'settings'>): boolean =>
  options.skipEmpty || (options.sendmail !== undefined && settings.sendmail.skipEmpty);

/** Whose password is asked for. @throws {CommandError} where mail goes to no relay with a user */
function promptFor({ rest: { outlets } }: RouteTable): string {
  const [outlet] = outlets;
  const { via } = outlet;
  const user = userOf(outlet);
  if (via.kind === 'relay' && user !== undefined) return `Password of ${user} at ${via.relay.display}: `;
  throw new CommandError(
    'Cannot use --ask-password: there is no relay with a user, as in smtps://user@host',
    EXIT.usage,
  );
}

/** Names of this host become those who read their mail. */
export async function whoReads(
  named: Recipients,
  { options, settings, identity }: Pick<Job, 'options' | 'settings'> & { readonly identity: Identity },
  around: Surroundings,
): Promise<Pick<Job, 'refused'> & { readonly recipients: readonly Recipient[] }> {
  const { aliases } = options;
  const hasLocal = named.recipients.some((each) => each.unqualified === true || isOwn(each.address, identity, around));
  if (!hasLocal && !(aliases && hasWholeAliases(settings, around))) return named;
  const { expand } = await import('./expand.ts');
  const expanded = expand({ recipients: named.recipients, settings, identity, aliases }, around);
  return { recipients: expanded.recipients, refused: [...named.refused, ...expanded.refused] };
}

/** Whether some may stand for whole addresses: all others are for names of this host. */
function hasWholeAliases({ aliases }: Settings, around: Surroundings): boolean {
  if (Object.keys(aliases).some((name) => name.includes('@'))) return true;
  const system = around.readAliases(SYSTEM_ALIASES);
  // To take it apart needs longer than all else of a send.
  return 'text' in system && /^(?![ \t#])[^:\n]*["@]/m.test(system.text);
}

const isOwn = ({ domain }: Address, { fqdn }: Identity, { surface }: Surroundings): boolean =>
  domain === fqdn || domain.startsWith('localhost') || domain === surface.hostname().toLowerCase();

/** What became of the recipients in the foreground. */
export interface Delivering {
  readonly histories: readonly History[];
  readonly attempts: readonly Attempt[];
  /** A signal ended it. */
  readonly interrupted: boolean;
}

/** Delivers, again and again as `--retry-for` says, and tells of it as it goes on. */
export async function deliverJob(job: Job, around: Surroundings): Promise<Delivering> {
  const { options, settings, delivery } = job;
  const { recipients: all } = delivery.envelope;
  if (all.length === 0) return { histories: [], attempts: [], interrupted: false };
  const attempts: Attempt[] = [];
  const plain = around.openWorld(settings);
  const monotonic = (): number => plain.monotonic();
  const destinations = job.plans.map(({ destination }) => nameOf(destination));
  const asked = { ...options, monotonic, destinations };
  const isWatched = options.verbose > 0 || (await around.stderr.isTerminal());
  const watching = isWatched ? await import('./watch.ts') : undefined;
  const { transcript, progress, note }: Watch = (await watching?.createWatch(around.stderr, asked)) ?? {};
  const world = (note && watching?.tracedWorld(plain, note)) ?? plain;
  const log = options.log === undefined ? undefined : await openLog(options.log, job, around);
  const signal = around.catchSignals();
  const message = (progress && watching?.watched(delivery.message, progress)) ?? delivery.message;
  const histories = await persist(all, {
    limit: options.retryFor,
    signal,
    attempt: (recipients) =>
      around.deliver({ ...delivery, message }, recipients, {
        world,
        signal,
        ...(transcript === undefined ? {} : { transcript }),
      }),
    now: () => world.now(),
    monotonic,
    random: () => world.random(),
    sleep: (milliseconds, ended) => world.sleep(milliseconds, ended),
    onAttempt(attempt, number) {
      progress?.wipe();
      attempts.push(attempt);
      log?.attempt(attempt, number);
    },
    onPause(milliseconds, recipients) {
      progress?.waiting(milliseconds, recipients.length);
      note?.(`trying ${recipients.length} again in ${Math.round(milliseconds)} ms`);
    },
  });
  progress?.wipe();
  return { histories, attempts, interrupted: signal.aborted };
}

/** Trouble with the log never stops mail. */
async function openLog(file: string, { messageId, delivery }: Job, around: Surroundings): Promise<Log | undefined> {
  const onTrouble = (error: unknown): void =>
    around.stderr.write(line(`Cannot write log ${quoted(file)}: ${wordsOf(error)}`));
  try {
    const { createLog } = await import('./log.ts');
    return createLog({ append: around.openLog(file), onTrouble, messageId, sender: formatSender(delivery.envelope) });
  } catch (error) {
    onTrouble(error);
    return undefined;
  }
}
