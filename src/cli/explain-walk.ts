import type { AliasStep } from '../config/aliases.ts';
import { authored, type Submitter } from '../delivery/author.ts';
import { mayGoOn } from '../delivery/deliver.ts';
import { MISCONFIGURED } from '../delivery/failures.ts';
import { formatAddress } from '../mail/address.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { Undelivered } from '../mail/result.ts';
import { headerBytes, makeField } from '../message/header.ts';
import { memorySource } from '../message/source.ts';
import { splitHead } from '../message/split.ts';
import { scheduleOf } from '../queue/run-means.ts';
import { type Match, matchOf } from '../route/match.ts';
import { nameOf, planOutlet } from '../route/plan.ts';
import { type Outlet, type Rule, ruleFor } from '../route/table.ts';
import type { World } from '../world.ts';
import { readRecipients, readSender, senderIn } from './envelope.ts';
import { withEnvironment } from './environment.ts';
import { EXIT, type ExitCode, exitCode } from './exit.ts';
import { expandFully, refusedTarget } from './expand.ts';
import { type ExplainedWay, explainWay, type WayJson } from './explain-way.ts';
import { type FoundMeans, readMeans } from './means.ts';
import { formatSender, type RefusedAddress } from './output.ts';
import { readMaterial } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { orFailure, wayOf } from './way.ts';

/*
 * What would become of mail for some addresses, step by step, found with the very functions that send it: aliases, the
 * rule, its ways in their order. The message is one whose From is its sender.
 */

const SYSTEM_CA = { ca: 'system' };

/** What `posthaste explain --json` prints. */
export interface ExplanationJson {
  readonly version: 1;
  /** The exit status: that of what is known to fail. */
  readonly exit: ExitCode;
  /** Empty for the null sender. */
  readonly sender: string;
  readonly uid: number;
  readonly addresses: readonly AddressJson[];
  readonly recipients: readonly ExplainedRecipientJson[];
}

interface AddressJson {
  readonly address: string;
  readonly aliases: readonly AliasStep[];
  readonly refused: readonly { readonly address: string; readonly reason: string }[];
  readonly recipients: readonly string[];
}

export interface ExplainedRecipientJson {
  readonly recipient: string;
  /** What takes it: `route 2`, `account work`, `local`, `the rest`. */
  readonly rule: string;
  /** Those patterns of it that match. */
  readonly match: Match;
  /** The first one is tried first; the next where it can't be reached. */
  readonly ways: readonly WayJson[];
  /** In milliseconds; the last pause repeats. */
  readonly retry: { readonly pauses: readonly number[]; readonly expire: number; readonly delayWarning: number };
  readonly outcome?: Undelivered['outcome'];
  readonly status?: string;
  readonly error?: string;
}

/** @throws {CommandError} */
export async function explainAddresses(
  given: SendOptions,
  around: Surroundings,
  asked?: number,
): Promise<ExplanationJson> {
  const options = withEnvironment(given, around.env);
  const means = await readMeans(options, around);
  const { identity, settings, table } = means;
  const uid = asked ?? around.surface.userId();
  const way = { ...wayOf(options, around), ...(options.sender === undefined ? {} : { named: true as const }) };
  const who = means.submitterOf({ uid, way });
  const surface = { ...around.surface, userName: () => who.user() };
  const sender = readSender(options, identity.domain, surface);
  // As `message/complete` writes From where there is none; routes ask only for one that was given.
  const author = sender ?? { local: 'MAILER-DAEMON', domain: identity.domain };
  const submitter = { ...who, author };
  const named = readRecipients({ ...options, readRecipients: false }, [], identity.domain);
  const readers = new Map<string, Recipient>();
  const refused: RefusedAddress[] = [...named.refused];
  const addresses: AddressJson[] = named.refused.map(({ text, reason }) => ({
    ...{ address: text, aliases: [], refused: [{ address: text, reason }], recipients: [] },
  }));
  for (const each of named.recipients) {
    const expansion = expandFully({ recipients: [each], settings, identity, aliases: options.aliases }, around);
    const targets = expansion.refused.map(refusedTarget);
    refused.push(...targets);
    for (const recipient of expansion.recipients) {
      const text = formatAddress(recipient.address);
      if (!readers.has(text)) readers.set(text, recipient);
    }
    addresses.push({
      address: formatAddress(each.address),
      aliases: expansion.steps,
      refused: targets.map(({ text, reason }) => ({ address: text, reason })),
      recipients: expansion.recipients.map(({ address }) => formatAddress(address)),
    });
  }
  const envelope: Envelope = { sender, recipients: [...readers.values()] };
  const explain = explainer({ means, envelope, submitter }, around.openWorld(settings), around);
  const explained = await Promise.all(
    envelope.recipients.map((recipient) => {
      const question = { recipient, sender, author: sender ?? undefined, uid };
      const rule = ruleFor(table, question);
      return explain(recipient, rule, matchOf(rule, question) ?? {});
    }),
  );
  const undelivered = explained.flatMap(({ result }) => (result === undefined ? [] : [result]));
  const isLacking = explained.some(({ json }) => json.ways[0]?.status === MISCONFIGURED);
  return {
    version: 1,
    exit: isLacking ? EXIT.config : exitCode(undelivered, refused.length),
    sender: formatSender(envelope),
    uid,
    addresses,
    recipients: explained.map(({ json }) => json),
  };
}

interface Asked {
  readonly means: FoundMeans;
  readonly envelope: Envelope;
  readonly submitter: Submitter;
}

interface Explained {
  readonly json: ExplainedRecipientJson;
  readonly result?: Undelivered;
}

function explainer({ means, envelope, submitter }: Asked, world: World, around: Surroundings) {
  const authors = new Map<Outlet, ReturnType<typeof leaving>>();
  const authorOf = (outlet: Outlet): ReturnType<typeof leaving> => {
    const made = authors.get(outlet) ?? leaving(outlet, envelope, submitter);
    authors.set(outlet, made);
    return made;
  };
  const { rest } = means.table;
  // Of what an outlet opens, only what everybody may read: no key, no password.
  const open = orFailure(async ({ settings }) => {
    const { cert: _, key: __, ...tls } = settings.tls;
    return { material: await readMaterial({ tls }, around) };
  });
  return async (recipient: Recipient, rule: Rule, match: Match): Promise<Explained> => {
    const explained = await Promise.all(
      rule.outlets.map(async (outlet): Promise<ExplainedWay & { readonly json: WayJson }> => {
        const [plan] = planOutlet({ rule, outlet }, [recipient]);
        if (plan === undefined) throw new Error('Cannot explain: a recipient has no plan');
        const isUsual = rest.outlets.includes(outlet);
        const opened = plan.destination.via === 'local' ? undefined : await open(outlet);
        const material = opened !== undefined && 'material' in opened ? opened.material : SYSTEM_CA;
        const question = { plan, name: nameOf(plan.destination), recipient, isUsual, material };
        const way = await explainWay(question, world, around);
        const json = { ...way.json, ...(await authorOf(outlet)) };
        if (opened === undefined || !('scope' in opened)) return { ...way, json };
        return { failure: opened, json: { ...json, error: opened.text, status: opened.status } };
      }),
    );
    const result = outcomeOf(recipient, explained);
    const { retry, expire, warn } = scheduleOf(rule.outlets[0].settings);
    const json: ExplainedRecipientJson = {
      recipient: formatAddress(recipient.address),
      rule: rule.name,
      match,
      ways: explained.map((each) => each.json),
      retry: { pauses: retry, expire, delayWarning: warn },
    };
    if (result === undefined) return { json };
    const { outcome, failure } = result;
    return { json: { ...json, outcome, status: failure.status, error: failure.text }, result };
  };
}

/** What is known to come of it: nothing, where a way is not known to fail, or the failure that is the last. */
function outcomeOf(recipient: Recipient, ways: readonly ExplainedWay[]): Undelivered | undefined {
  for (const [index, { failure }] of ways.entries()) {
    if (failure === undefined) return undefined;
    const result: Undelivered = { outcome: failure.permanent ? 'failed' : 'deferred', recipient, failure };
    // What the first way lacks is told before anything is sent.
    const isLacking = index === 0 && failure.status === MISCONFIGURED;
    if (isLacking || index === ways.length - 1 || !mayGoOn(result)) return result;
  }
  return undefined;
}

/** Sender and From as they leave by a way, of a message whose From was the sender. */
export async function leaving(
  { settings }: Outlet,
  envelope: Envelope,
  submitter: Submitter,
): Promise<Pick<WayJson, 'sender' | 'from'>> {
  const { author } = submitter;
  const header = headerBytes(author === undefined ? [] : [makeField('From', formatAddress(author))]);
  const facts = { size: header.length, eightBitHeader: false, eightBitBody: false, longestLine: 0, nul: false };
  const message = { header, body: memorySource(Buffer.alloc(0)), facts };
  const left = await authored({ message, envelope }, settings, submitter);
  const bytes = left.message.header;
  const { fields } = await splitHead(bytes.length, async (octets) => bytes.subarray(0, octets));
  const from = senderIn(fields, submitter.domain);
  return { sender: formatSender(left.envelope), ...(from === undefined ? {} : { from: formatAddress(from) }) };
}
