import type { Settings } from '../config/settings.ts';
import { nameOfVia } from '../config/via.ts';
import { finderFor } from '../delivery/addresses.ts';
import type { Asked } from '../delivery/demands.ts';
import { demandsOf } from '../delivery/heed.ts';
import { localPath } from '../delivery/local-path.ts';
import { type Protection, protect, type TlsMaterial } from '../delivery/protect.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Failure } from '../mail/result.ts';
import { withPort } from '../net/local-address.ts';
import type { Plan } from '../route/plan.ts';
import { addressesOf, type RouteSettings, resolveRoute } from '../route/resolve.ts';
import type { Host, Route } from '../route/route.ts';
import type { Outlet } from '../route/table.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import { type LoginJson, loginOf } from './explain-login.ts';
import { identify } from './identity.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * One way out, as far as it is known without going it: hosts and addresses are looked up, and what a domain publishes
 * about TLS, but no mail server is connected to, no secret is read and no command is run.
 */

/** The members are those of `posthaste explain --json`. */
export interface WayJson {
  /** What messages call it: a relay's URL without its user, `mx`, `maildir:/path`. */
  readonly way: string;
  readonly account?: string;
  readonly destination: string;
  /** Empty for the null sender. */
  readonly sender: string;
  /** The address in From of a message whose From is the sender. */
  readonly from?: string;
  readonly protocol?: 'smtp' | 'lmtp';
  readonly port?: number;
  readonly hosts?: readonly HostJson[];
  /** The mailbox here. */
  readonly path?: string;
  readonly tls?: TlsJson;
  readonly login?: LoginJson;
  readonly network?: NetworkJson;
  readonly limits?: LimitsJson;
  /** It is known to fail. */
  readonly error?: string;
  readonly status?: string;
}

export interface HostJson {
  readonly name: string;
  readonly preference: number;
  readonly addresses?: readonly string[];
  /** What is published about its TLS, and binds us. `dane-any`: TLS with any certificate. */
  readonly policy?: 'dane' | 'dane-any' | 'mta-sts';
  readonly error?: string;
  readonly status?: string;
}

interface TlsJson {
  readonly mode: 'implicit' | 'starttls' | 'starttls-if-offered' | 'none';
  /** How the server's certificate is checked. */
  readonly check: Protection['plan']['check'];
  readonly ca?: string;
  readonly fingerprints?: readonly string[];
  readonly minVersion?: string;
  readonly certificate?: string;
}

interface NetworkJson {
  /** Our name in EHLO; absent: the literal of the address that we connect from. */
  readonly hello?: string;
  readonly ip: Settings['network']['ip'];
  readonly source: readonly string[];
  readonly proxy?: string;
}

interface LimitsJson {
  readonly recipients: number;
  readonly addresses: number;
  readonly sessions: number;
  /** Sessions of the queue with the destination at the same time. */
  readonly destinationSessions: number;
  readonly rate?: { readonly messages: number; readonly milliseconds: number };
  /** Milliseconds for the stages that the configuration names. */
  readonly timeouts?: Readonly<Record<string, number>>;
}

export interface ExplainedWay {
  readonly json: Omit<WayJson, 'sender' | 'from'>;
  readonly failure?: Failure;
}

export interface WayQuestion {
  readonly plan: Pick<Plan, 'outlet' | 'destination'>;
  readonly name: string;
  readonly recipient: Recipient;
  /** It takes what no route takes: a password in the environment is meant for it. */
  readonly isUsual: boolean;
  /** Whose certificates are trusted. */
  readonly material: Pick<TlsMaterial, 'ca'>;
}

export async function explainWay(question: WayQuestion, world: World, around: Surroundings): Promise<ExplainedWay> {
  const { plan, name, recipient, material } = question;
  const { outlet, destination } = plan;
  const base = {
    way: nameOfVia(outlet.via),
    ...(outlet.account === undefined ? {} : { account: outlet.account }),
    destination: name,
  };
  if (destination.via === 'local') {
    const { target } = destination;
    if (target.kind === 'reject') {
      const where = { scope: 'recipient', permanent: true, stage: 'rcpt', status: '5.7.1' } as const;
      return failing(base, { ...where, text: target.text });
    }
    if (target.kind !== 'maildir' && target.kind !== 'mbox') return { json: base };
    const place = localPath(target.path, recipient);
    return 'failure' in place ? failing(base, place.failure) : { json: { ...base, path: place.path } };
  }
  const { settings } = outlet;
  const routing = routingOf(outlet, around);
  const resolved = await resolveRoute(destination, routing, world);
  if (resolved.kind === 'failure') return failing(base, resolved.failure);
  const { route } = resolved;
  const find = addressesOf(route, routing, world);
  const { network } = settings;
  const addresses = finderFor(route, find, { network, prefer: undefined, signal: undefined });
  const demands = await demandsOf({ outlet, destination, material, requireTls: false }, world);
  const found = await Promise.all(
    route.hosts.map(async (host): Promise<FoundHost | Failure> => {
      const [where, asked = {}] = await Promise.all([addresses(host), demands?.of(host)]);
      if ('scope' in where) return where;
      return 'scope' in asked ? asked : { addresses: where, ...asked };
    }),
  );
  const login = route.via === 'relay' ? loginOf(outlet, question.isUsual, around.env) : undefined;
  const json = {
    ...base,
    protocol: route.protocol,
    port: route.port,
    hosts: route.hosts.map((host, index) => hostJson(host, found[index] ?? { addresses: [] })),
    tls: tlsJson(settings, protectionOf(route, settings, login !== undefined)),
    ...(login === undefined ? {} : { login }),
    network: networkJson(outlet, around),
    limits: limitsJson(settings),
  };
  const failures = found.filter((each): each is Failure => 'scope' in each);
  const [first] = failures;
  if (first === undefined || failures.length < found.length) return { json };
  return failing(json, failures.find((each) => !each.permanent) ?? first);
}

const failing = (json: ExplainedWay['json'], failure: Failure): ExplainedWay => ({
  json: { ...json, error: failure.text, status: failure.status },
  failure,
});

function routingOf({ settings, via }: Outlet, around: Surroundings): RouteSettings {
  const { fqdn } = identify(settings, around.surface);
  const own = { addresses: around.ownAddresses(), ...(fqdn === undefined ? {} : { hostname: fqdn }) };
  return {
    port: settings.mx.port,
    allowLocal: settings.mx.allowLocal,
    limit: stageLimit('resolve', settings.timeouts),
    ...(via.kind === 'mx' ? { own } : {}),
  };
}

interface FoundHost extends Asked {
  readonly addresses: readonly string[];
}

const POLICIES = { dane: 'dane', encrypt: 'dane-any', 'mta-sts': 'mta-sts' } as const;

function hostJson({ name, preference }: Host, found: FoundHost | Failure): HostJson {
  if ('scope' in found) return { name, preference, error: found.text, status: found.status };
  const { addresses, demand } = found;
  return { name, preference, addresses, ...(demand === undefined ? {} : { policy: POLICIES[demand.kind] }) };
}

/** No file is read for it: how a certificate is checked does not depend on what is in them. */
function protectionOf(route: Route, settings: Settings, hasLogin: boolean): Protection {
  const material = { ca: settings.tls.ca };
  const host = route.hosts[0]?.name ?? '';
  return protect({ settings: settings.tls, material, route, host, requireTls: false, hasLogin });
}

function tlsJson({ tls }: Settings, { implicit, startTls, plan }: Protection): TlsJson {
  const modes = { must: 'starttls', may: 'starttls-if-offered', never: 'none' } as const;
  const mode = implicit ? 'implicit' : modes[startTls];
  if (mode === 'none') return { mode, check: 'none' };
  return {
    mode,
    check: plan.check,
    ...(plan.check === 'chain' ? { ca: tls.ca } : {}),
    ...(plan.check === 'pinned' ? { fingerprints: plan.fingerprints } : {}),
    minVersion: plan.minVersion,
    ...(tls.cert === undefined ? {} : { certificate: tls.cert }),
  };
}

function networkJson({ settings }: Outlet, around: Surroundings): NetworkJson {
  const { fqdn } = identify(settings, around.surface);
  const { ip, source, proxy } = settings.network;
  return {
    ...(fqdn === undefined ? {} : { hello: fqdn }),
    ip,
    source,
    ...(proxy === undefined ? {} : { proxy: withPort(proxy.host, proxy.port) }),
  };
}

function limitsJson({ limits, runner, timeouts }: Settings): LimitsJson {
  const { recipients, addresses, sessions, rate } = limits;
  const set = Object.entries(timeouts).map(([stage, seconds]) => [stage, seconds * 1000] as const);
  return {
    recipients,
    addresses,
    sessions,
    destinationSessions: runner.destinationSessions,
    ...(rate === undefined ? {} : { rate: { messages: rate.count, milliseconds: rate.per } }),
    ...(set.length === 0 ? {} : { timeouts: Object.fromEntries(set) }),
  };
}
