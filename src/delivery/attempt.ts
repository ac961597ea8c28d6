/*
 * One attempt for the recipients of one route: its hosts in order, each host's addresses, a session, transactions.
 *
 * 1. Hosts are tried until no recipient is left that another host could help (`decide`).
 * 2. An attempt tries at most `limits.addresses` addresses and lets at most `limits.sessions` greeted sessions fail.
 * 3. On a session the recipients go in transactions of at most 100, or what the server's LIMITS say (RFC 9422); those
 *    that the server has no room for (452) go in the next one, on a new session where this one had to end.
 * 4. Every recipient has a result at the end: the last word about it, but a transient one before a host's permanent one.
 */
import type { LimitSettings } from '../config/settings.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { Host, Route } from '../route/route.ts';
import type { World } from '../world.ts';
import { INTERRUPTED } from './failures.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { SessionPool } from './pool.ts';
import type { Reencode } from './reencode.ts';
import { type Opening, openSession, type SessionOptions, type SessionPlan } from './session.ts';
import { runTransactions } from './transactions.ts';

export interface AttemptPlan {
  readonly message: Message;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly route: Route;
  readonly limits: LimitSettings;
  /** The addresses of a host, in the order to try. */
  readonly addressesOf: (host: Host) => Promise<readonly string[] | Failure>;
  /** How a session with a host is opened, but for its addresses; a failure where it may not be. */
  readonly sessionWith: (host: Host) => Promise<Omit<SessionPlan, 'addresses'> | Failure>;
  readonly reencode: Reencode;
  /** Nothing is sent: servers are only asked, and `delivered` is what they would take. */
  readonly ask?: true;
}

export interface AttemptOptions extends SessionOptions {
  /** Where sessions come from and go back to; absent: each is opened here and ended here. */
  readonly pool?: SessionPool;
  /** Is told of results as soon as nothing can change them, and awaited before the next transaction begins. */
  readonly onSettled?: (results: readonly DeliveryResult[]) => Promise<void>;
}

/** Rejects for a bug, or where `onSettled` does; gives one result for each recipient, in their order. */
export async function attempt(
  plan: AttemptPlan,
  world: World,
  options: AttemptOptions,
): Promise<readonly DeliveryResult[]> {
  const ledger = openLedger(plan.recipients);
  const budget = { addresses: plan.limits.addresses, sessions: plan.limits.sessions };
  const onSettled = async (): Promise<void> => {
    const news = ledger.news();
    if (news.length > 0) await options.onSettled?.(news);
  };
  for (const [index, host] of plan.route.hosts.entries()) {
    if (ledger.pending().length === 0 || budget.addresses <= 0 || budget.sessions <= 0) break;
    const way = options.signal?.aborted === true ? INTERRUPTED : await wayTo(host, plan);
    const hostsLeft = plan.route.hosts.length - index - 1;
    if ('scope' in way) failAll(ledger, { ...way, host: host.name }, hostsLeft);
    else await tryHost({ plan, hostsLeft, ledger, budget, ...way, onSettled }, world, options);
  }
  const results = ledger.results();
  await onSettled();
  return results;
}

/** Where a host is, and how a session with it is opened. */
type WayTo = Pick<SessionPlan, 'addresses'> & { readonly session: Omit<SessionPlan, 'addresses'> };

async function wayTo(host: Host, plan: AttemptPlan): Promise<WayTo | Failure> {
  const addresses = await plan.addressesOf(host);
  if ('scope' in addresses) return addresses;
  const session = await plan.sessionWith(host);
  return 'scope' in session ? session : { addresses, session };
}

interface HostTry extends WayTo {
  readonly plan: AttemptPlan;
  readonly hostsLeft: number;
  readonly ledger: Ledger;
  /** What is left of the attempt's limits; counted down. */
  readonly budget: { addresses: number; sessions: number };
  readonly onSettled: () => Promise<void>;
}

async function tryHost(trying: HostTry, world: World, options: AttemptOptions): Promise<void> {
  const { plan, session: sessionPlan, hostsLeft, ledger, budget, onSettled } = trying;
  let addresses = trying.addresses.slice(0, budget.addresses);
  let recipients = ledger.pending();
  let mayReuse = true;
  while (addresses.length > 0 && budget.sessions > 0) {
    if (options.signal?.aborted === true) return failAll(ledger, INTERRUPTED, hostsLeft);
    const opening = await open({ ...sessionPlan, addresses }, { world, options, mayReuse });
    if (opening.kind === 'failure') {
      const { peer, failure, greeted } = opening;
      const left = peer === undefined ? [] : addresses.filter((address) => address !== peer.address);
      budget.addresses -= addresses.length - left.length;
      budget.sessions -= greeted ? 1 : 0;
      const others = budget.addresses > 0 && budget.sessions > 0 ? hostsLeft + left.length : 0;
      failAll(ledger, failure, others);
      if (ledger.pending().length === 0) return;
      addresses = left;
      continue;
    }
    const { session } = opening;
    const { message, envelope, limits, route, reencode, ask } = plan;
    const asking = ask === undefined ? {} : { ask };
    const { protocol } = route;
    const left = budget.sessions > 1 ? hostsLeft : 0;
    const { untried, progress, stale } = await runTransactions(
      {
        ...{ message, envelope, recipients, protocol, limit: limits.recipients, hostsLeft: left, reencode, onSettled },
        ...asking,
      },
      session,
      ledger,
    );
    if (stale === true) {
      mayReuse = false;
      recipients = untried;
      continue;
    }
    if (!progress) budget.sessions -= 1;
    if (untried.length === 0) return;
    if (untried.length === recipients.length || budget.sessions === 0) {
      for (const recipient of untried) ledger.fail(recipient, SESSION_ENDED, { hostsLeft: left, peer: session.peer });
      return;
    }
    recipients = untried;
    addresses = [session.peer.address];
  }
}

interface OpenWith {
  readonly world: World;
  readonly options: AttemptOptions;
  readonly mayReuse: boolean;
}

function open(plan: SessionPlan, { world, options, mayReuse }: OpenWith): Promise<Opening> {
  const { pool } = options;
  return pool === undefined ? openSession(plan, world, options) : pool.open(plan, world, { ...options, mayReuse });
}

const SESSION_ENDED: Failure = {
  scope: 'host',
  permanent: false,
  stage: 'rcpt',
  status: '4.4.2',
  text: 'the session ended before this recipient was tried',
};

function failAll(ledger: Ledger, failure: Failure, hostsLeft: number): void {
  for (const recipient of ledger.pending()) ledger.fail(recipient, failure, { hostsLeft });
}
