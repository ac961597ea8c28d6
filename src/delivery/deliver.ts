/*
 * One attempt at everything: recipients are grouped by destination, and the destinations are delivered to at the same
 * time, so many at once. Every recipient gets a result, in the order they were given. It never rejects but for a bug.
 */
import type { Settings } from '../config/settings.ts';
import type { OwnNames } from '../dns/own.ts';
import type { Ending } from '../mail/ending.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { Transcript } from '../net/transcript.ts';
import { nameOf, type Plan, planOutlet, planRoutes } from '../route/plan.ts';
import { addressesOf, type RouteSettings, resolveRoute } from '../route/resolve.ts';
import type { Host, Route } from '../route/route.ts';
import { isHere, type Outlet, type RouteTable } from '../route/table.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import { finderFor, inFavour, networkOf, unlessInterrupted } from './addresses.ts';
import { attempt } from './attempt.ts';
import type { Submitter } from './author.ts';
import { INTERRUPTED, NOT_AUTHENTIC } from './failures.ts';
import { forms } from './forms.ts';
import { demandsOf, isSure } from './heed.ts';
import type { SessionPool } from './pool.ts';
import { type Demand, protect, type TlsMaterial } from './protect.ts';
import type { SessionPlan } from './session.ts';

export interface Delivery {
  readonly message: Message;
  readonly envelope: Envelope;
  /** Those for all mail. */
  readonly settings: Settings;
  readonly table: RouteTable;
  readonly submitter: Submitter;
  /** What an outlet needs of the world; a failure where it can't be had now. Never rejects but for a bug. */
  readonly open: (outlet: Outlet) => Promise<Opened | Failure>;
  /**
   * Nothing is sent: the servers of each recipient are only asked, and `delivered` is what they would take. What is
   * delivered on this machine is nobody's to ask: the first outlet is none such, and a later one ends the asking.
   */
  readonly ask?: true;
}

/** What an outlet needs beside its settings: certificates, the password, our names. */
export interface Opened {
  readonly material: TlsMaterial;
  /** For the relay alone. */
  readonly login?: SessionPlan['login'];
  /** Our name in EHLO; absent: the literal of the address we connect from. */
  readonly helloName?: string;
  readonly own?: OwnNames;
}

export interface DeliverOptions {
  readonly signal?: Ending;
  /** Is asked once for each destination. */
  readonly transcript?: (destination: string) => Transcript;
  /** Is told of each result when it is known, before `deliver` resolves. */
  readonly onResult?: (result: DeliveryResult) => void;
  /** Idle sessions of earlier deliveries, and a place for ours. */
  readonly pool?: SessionPool;
  /** Is given each result once, and awaited before the next transaction of its destination begins. */
  readonly onSettled?: (results: readonly DeliveryResult[]) => Promise<void>;
  /** The host and address to try first where the route has them: a greylisting server knows us there. */
  readonly prefer?: { readonly host: string; readonly address?: string };
  /** What is known of ways that have others behind them, so that one that is down is not tried for each message. */
  readonly reach?: Reach;
}

/** By the names of destinations. */
export interface Reach {
  isDown(destination: string): boolean;
  learn(destination: string, results: readonly DeliveryResult[]): void;
}

/** Tries to deliver to the recipients, all of them of the delivery's envelope. */
export async function deliver(
  delivery: Delivery,
  recipients: readonly Recipient[],
  { world, ...options }: DeliverOptions & { readonly world: World },
): Promise<readonly DeliveryResult[]> {
  const { settings, envelope, submitter } = delivery;
  const plans = planRoutes(recipients, delivery.table, { sender: envelope.sender, ...submitter });
  const results = new Map<Recipient, DeliveryResult>();
  const one = deliverOne(delivery, world, options);
  await inParallel(plans, settings.limits.destinations, async (plan) => {
    for (const result of await one(plan)) {
      results.set(result.recipient, result);
      options.onResult?.(result);
    }
  });
  return recipients.map((recipient) => {
    const result = results.get(recipient);
    if (result === undefined) throw new Error('Cannot deliver: a recipient has no result');
    return result;
  });
}

/** By the first outlet of a rule, and where that can't be reached by the next. */
function deliverOne(delivery: Delivery, world: World, options: DeliverOptions) {
  const through = deliverThrough(delivery, world, options);
  const follow = async (plan: Plan, index: number): Promise<readonly DeliveryResult[]> => {
    const next = plan.rule.outlets[index + 1];
    const outlet = delivery.ask === true && next !== undefined && isHere(next) ? undefined : next;
    if (outlet === undefined) return through(plan, { isLast: true });
    const name = nameOf(plan.destination);
    const isDown = options.reach?.isDown(name) === true;
    const results = isDown ? [] : await through(plan, { isLast: false });
    if (!isDown) options.reach?.learn(name, results);
    const left = isDown ? plan.recipients : results.filter(mayGoOn).map(({ recipient }) => recipient);
    const others = planOutlet({ rule: plan.rule, outlet }, left);
    const further = (await Promise.all(others.map((other) => follow(other, index + 1)))).flat();
    return [...results.filter((result) => !mayGoOn(result)), ...further];
  };
  return (plan: Plan) => follow(plan, plan.rule.outlets.indexOf(plan.outlet));
}

/** Nobody has judged the message or its recipient, and it can't have been delivered: another way may do better. */
export const mayGoOn = (result: DeliveryResult): boolean =>
  result.outcome !== 'delivered' &&
  result.failure.uncertain !== true &&
  result.failure !== INTERRUPTED &&
  (result.failure.scope === 'host' || result.failure.scope === 'destination') &&
  (!result.failure.permanent || result.failure.stage !== 'resolve');

type DeliverThrough = (plan: Plan, place: { readonly isLast: boolean }) => Promise<readonly DeliveryResult[]>;

function deliverThrough(delivery: Delivery, world: World, options: DeliverOptions): DeliverThrough {
  const requireTls = delivery.envelope.requireTls === true;
  const { header } = delivery.message;
  const { reencode, letterFor } = forms(delivery, world);
  return async ({ outlet, destination, recipients }, { isLast }) => {
    const { signal, transcript, pool, prefer } = options;
    const advise = adviser({ outlet, destination }, delivery.submitter.host);
    const onSettled = async (results: readonly DeliveryResult[]): Promise<void> => {
      const settled = isLast ? results : results.filter((result) => !mayGoOn(result));
      if (settled.length > 0) await options.onSettled?.(await advise(settled));
    };
    const failAll = async (failure: Failure): Promise<readonly DeliveryResult[]> => {
      const outcome = failure.permanent ? 'failed' : 'deferred';
      const results = recipients.map((recipient) => ({ outcome, recipient, failure }) as const);
      await onSettled(results);
      return advise(results);
    };
    if (signal?.aborted === true) return failAll(INTERRUPTED);
    const opened = await delivery.open(outlet);
    if ('scope' in opened) return failAll(opened);
    const letter = await letterFor(outlet);
    if (destination.via === 'local') {
      if (delivery.ask === true) throw new TypeError('Cannot ask for a recipient: it is delivered to on this machine');
      const { deliverHere } = await import('./here.ts');
      const results = await deliverHere(destination.target, { ...letter, recipients }, world, signal);
      await onSettled(results);
      return results;
    }
    const { settings } = outlet;
    const routing: RouteSettings = {
      port: settings.mx.port,
      allowLocal: settings.mx.allowLocal,
      limit: stageLimit('resolve', settings.timeouts),
      ...(opened.own === undefined ? {} : { own: opened.own }),
    };
    const demands = await demandsOf({ outlet, destination, material: opened.material, requireTls, header }, world);
    const resolved = await unlessInterrupted(resolveRoute(destination, routing, world), signal);
    if (resolved === undefined) return failAll(INTERRUPTED);
    if (resolved.kind === 'failure') return failAll(resolved.failure);
    const route = inFavour(resolved.route, prefer);
    if (requireTls && !(await isSure(route, demands))) return failAll(NOT_AUTHENTIC);
    const finding = { network: settings.network, prefer, signal };
    const results = await attempt(
      {
        ...letter,
        recipients,
        route,
        limits: settings.limits,
        addressesOf: finderFor(route, addressesOf(route, routing, world), finding),
        sessionWith: async (host) => {
          const asked =
            demands === undefined ? {} : ((await unlessInterrupted(demands.of(host), signal)) ?? INTERRUPTED);
          if ('scope' in asked) return asked;
          return sessionPlan({ outlet, opened, route, requireTls, ...asked }, host);
        },
        reencode,
        ...(delivery.ask === undefined ? {} : { ask: delivery.ask }),
      },
      world,
      {
        ...(signal === undefined ? {} : { signal }),
        ...(pool === undefined ? {} : { pool }),
        ...(options.onSettled === undefined ? {} : { onSettled }),
        ...(transcript === undefined ? {} : { transcript: transcript(nameOf(destination)) }),
      },
    );
    return advise(results);
  };
}

/** Puts advice to what failed; nothing is loaded for what did not. */
function adviser(plan: Pick<Plan, 'outlet' | 'destination'>, ownName: string) {
  return async (results: readonly DeliveryResult[]): Promise<readonly DeliveryResult[]> => {
    if (results.every(({ outcome }) => outcome === 'delivered')) return results;
    const { adviseAll, circumstancesOf } = await import('./advice.ts');
    return adviseAll(results, circumstancesOf(plan, ownName));
  };
}

export interface Sessions {
  readonly outlet: Outlet;
  readonly opened: Opened;
  readonly route: Route;
  readonly requireTls: boolean;
  readonly demand?: Demand | undefined;
}

export function sessionPlan(
  { outlet, opened, route, requireTls, demand }: Sessions,
  host: Host,
): Omit<SessionPlan, 'addresses'> {
  const { settings } = outlet;
  const { material, helloName, login } = opened;
  // Credentials are the relay's: no MX is ever shown them.
  const ours = route.via === 'relay' ? login : undefined;
  const question = { settings: settings.tls, material, route, host: host.name, requireTls, demand };
  return {
    host: host.name,
    port: route.port,
    protocol: route.protocol,
    protection: protect({ ...question, hasLogin: ours !== undefined }),
    timeouts: settings.timeouts,
    ...networkOf(settings.network, route),
    ...(settings.dsn ? {} : { dsn: false }),
    ...(helloName === undefined ? {} : { helloName }),
    ...(ours === undefined ? {} : { login: ours }),
  };
}

async function inParallel<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const workers = Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    for (const one of waiting) await work(one);
  });
  await Promise.all(workers);
}
