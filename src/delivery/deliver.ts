/*
 * One attempt at everything: recipients are grouped by destination, and the destinations are delivered to at the same
 * time, so many at once. Every recipient gets a result, in the order they were given. It never rejects but for a bug.
 */
import type { Settings } from '../config/settings.ts';
import type { OwnNames } from '../dns/own.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { Transcript } from '../net/transcript.ts';
import { type Destination, nameOf, planRoutes } from '../route/plan.ts';
import type { Relay } from '../route/relay.ts';
import { addressesOf, type RouteSettings, resolveRoute } from '../route/resolve.ts';
import type { Host, Route } from '../route/route.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import { attempt } from './attempt.ts';
import { INTERRUPTED, NOT_AUTHENTIC } from './failures.ts';
import type { SessionPool } from './pool.ts';
import { protect, type TlsMaterial } from './protect.ts';
import { reencoder } from './reencode.ts';
import type { SessionPlan } from './session.ts';

export interface Delivery {
  readonly message: Message;
  readonly envelope: Envelope;
  readonly settings: Settings;
  readonly material: TlsMaterial;
  /** Takes everything. */
  readonly relay?: Relay;
  /** For the relay alone. */
  readonly login?: SessionPlan['login'];
  /** Our name in EHLO; absent: the literal of the address we connect from. */
  readonly helloName?: string;
  readonly own?: OwnNames;
}

export interface DeliverOptions {
  readonly signal?: AbortSignal;
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
}

/** Tries to deliver to the recipients, all of them of the delivery's envelope. */
export async function deliver(
  delivery: Delivery,
  recipients: readonly Recipient[],
  { world, ...options }: DeliverOptions & { readonly world: World },
): Promise<readonly DeliveryResult[]> {
  const { relay, settings } = delivery;
  const plans = planRoutes(recipients, relay === undefined ? {} : { relay });
  const results = new Map<Recipient, DeliveryResult>();
  const one = deliverOne(delivery, world, options);
  await inParallel(plans, settings.limits.destinations, async (plan) => {
    for (const result of await one(plan.destination, plan.recipients)) {
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

type DeliverOne = (destination: Destination, recipients: readonly Recipient[]) => Promise<readonly DeliveryResult[]>;

function deliverOne(delivery: Delivery, world: World, options: DeliverOptions): DeliverOne {
  const { settings, message, envelope, own } = delivery;
  const requireTls = envelope.requireTls === true;
  const routing: RouteSettings = {
    port: settings.mx.port,
    allowLocal: settings.mx.allowLocal,
    limit: stageLimit('resolve', settings.timeouts),
    ...(own === undefined ? {} : { own }),
  };
  const reencode = reencoder(world);
  return async (destination, recipients) => {
    const failAll = async (failure: Failure): Promise<readonly DeliveryResult[]> => {
      const outcome = failure.permanent ? 'failed' : 'deferred';
      const results = recipients.map((recipient) => ({ outcome, recipient, failure }) as const);
      await options.onSettled?.(results);
      return results;
    };
    if (options.signal?.aborted === true) return failAll(INTERRUPTED);
    const resolved = await unlessInterrupted(resolveRoute(destination, routing, world), options.signal);
    if (resolved === undefined) return failAll(INTERRUPTED);
    if (resolved.kind === 'failure') return failAll(resolved.failure);
    const route = inFavour(resolved.route, options.prefer);
    // RFC 8689, section 4.2.1: the way to the host must be as sure as the host itself.
    if (requireTls && route.via === 'mx' && !route.hosts.every((host) => host.authentic)) return failAll(NOT_AUTHENTIC);
    const { signal, transcript, pool, onSettled, prefer } = options;
    const look = addressesOf(route, routing, world);
    const find: FindAddresses = async (host) => (await unlessInterrupted(look(host), signal)) ?? INTERRUPTED;
    return attempt(
      {
        message,
        envelope,
        recipients,
        route,
        limits: settings.limits,
        addressesOf: prefer?.address === undefined ? find : firstAddress(find, prefer.address),
        sessionWith: (host) => sessionPlan(delivery, route, host),
        reencode,
      },
      world,
      {
        ...(signal === undefined ? {} : { signal }),
        ...(pool === undefined ? {} : { pool }),
        ...(onSettled === undefined ? {} : { onSettled }),
        ...(transcript === undefined ? {} : { transcript: transcript(nameOf(destination)) }),
      },
    );
  };
}

/** The route with the host wanted at its front. */
function inFavour(route: Route, prefer: DeliverOptions['prefer']): Route {
  const wanted = route.hosts.filter((host) => host.name === prefer?.host);
  if (wanted.length === 0) return route;
  return { ...route, hosts: [...wanted, ...route.hosts.filter((host) => host.name !== prefer?.host)] };
}

type FindAddresses = ReturnType<typeof addressesOf>;

const firstAddress =
  (find: FindAddresses, wanted: string): FindAddresses =>
  async (host) => {
    const found = await find(host);
    if ('scope' in found || !found.includes(wanted)) return found;
    return [wanted, ...found.filter((address) => address !== wanted)];
  };

function sessionPlan(delivery: Delivery, route: Route, host: Host): Omit<SessionPlan, 'addresses'> {
  const { settings, material, envelope, helloName, login } = delivery;
  const requireTls = envelope.requireTls === true;
  // Credentials are the relay's: no MX is ever shown them.
  const ours = route.via === 'relay' ? login : undefined;
  const question = { settings: settings.tls, material, route, host: host.name, requireTls };
  return {
    host: host.name,
    port: route.port,
    protocol: route.protocol,
    protection: protect({ ...question, hasLogin: ours !== undefined }),
    timeouts: settings.timeouts,
    ...(helloName === undefined ? {} : { helloName }),
    ...(ours === undefined ? {} : { login: ours }),
  };
}

/** What a look-up found; undefined as soon as the process is told to end, since name servers may be silent for minutes. */
function unlessInterrupted<T>(lookup: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return lookup;
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(undefined);
    signal.addEventListener('abort', leave);
    lookup.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

async function inParallel<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const workers = Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    for (const one of waiting) await work(one);
  });
  await Promise.all(workers);
}
