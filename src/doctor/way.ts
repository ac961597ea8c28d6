import { nameOfVia } from '../config/via.ts';
import { finderFor, networkOf } from '../delivery/addresses.ts';
import { advised, circumstancesOf } from '../delivery/advice.ts';
import { type Opened, sessionPlan } from '../delivery/deliver.ts';
import { demandsOf } from '../delivery/heed.ts';
import { openSession } from '../delivery/session.ts';
import { formatReply } from '../mail/reply.ts';
import { type Failure, trustText } from '../mail/result.ts';
import type { Plan } from '../route/plan.ts';
import { addressesOf, type RouteSettings, resolveRoute } from '../route/resolve.ts';
import type { Host, Route } from '../route/route.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import { type Finding, soften } from './finding.ts';
import { judgeBlocked, judgeHost } from './judge-host.ts';
import { addressSeen, type HostFacts, probeHost } from './probe.ts';
import { findPublished, judgePublished } from './published.ts';

/** One way out, and what is needed to go it. */
export interface WayQuestion {
  readonly plan: Pick<Plan, 'outlet' | 'destination'>;
  readonly opened: Opened;
}

export interface Checkup {
  readonly findings: readonly Finding[];
  /** Mail would be taken. */
  readonly goes: boolean;
  /** The address that a server sees us at. */
  readonly seen?: string;
}

/** Hosts that are talked to: more than an attempt tries. */
const MOST_HOSTS = 5;
/** Sessions opened in earnest until one stands: as many as an attempt opens. */
const MOST_SESSIONS = 2;

/** Never rejects but for a bug. */
export async function examineWay({ plan, opened }: WayQuestion, world: World): Promise<Checkup> {
  const { outlet, destination } = plan;
  const { settings } = outlet;
  if (destination.via === 'local') {
    const { target } = destination;
    if (target.kind === 'reject')
      return fails([{ check: 'way', verdict: 'failure', text: `refused here: ${target.text}` }]);
    const text = target.kind === 'discard' ? 'thrown away, as configured' : `put into ${nameOfVia(target)}`;
    return { findings: [{ check: 'way', verdict: 'ok', text }], goes: true };
  }
  const routing: RouteSettings = {
    port: settings.mx.port,
    allowLocal: settings.mx.allowLocal,
    limit: stageLimit('resolve', settings.timeouts),
    ...(opened.own === undefined ? {} : { own: opened.own }),
  };
  const resolved = await resolveRoute(destination, routing, world);
  if (resolved.kind === 'failure') {
    const isDns = resolved.failure.status === '4.4.3';
    return fails([findingOf(isDns ? 'resolver' : 'mx', resolved.failure, { plan, opened })]);
  }
  const { route } = resolved;
  const hosts = route.hosts.slice(0, MOST_HOSTS);
  const find = finderFor(route, addressesOf(route, routing, world), {
    ...{ network: settings.network, prefer: undefined, signal: undefined },
  });
  const isMx = destination.via === 'mx';
  const [published, ...all] = await Promise.all([
    isMx ? findPublished({ route, hosts, settings, material: opened.material }, world) : undefined,
    ...hosts.map((host) => examineHost(host, { find, route, plan, opened }, world)),
  ]);
  const session = await examineSessions(all, { route, plan, opened }, world);
  const blocked = judgeBlocked(
    all.flatMap(({ facts }) => (facts === undefined ? [] : [facts])),
    { port: route.port, isRelay: route.via === 'relay' },
  );
  const perHost = all.flatMap(({ findings }) => findings);
  const shown = route.hosts.map((host, index) => ({ ...host, ...factsOf(all[index]) }));
  const safety = published === undefined ? [] : judgePublished(published, { route, shown, now: world.now() });
  const seen = all.map(({ facts }) => (facts === undefined ? undefined : addressSeen(facts))).find(Boolean);
  return {
    findings: [
      ...(isMx ? [hostsFinding(route)] : []),
      ...(blocked === undefined ? [] : [blocked]),
      ...(session.goes ? soften(perHost) : perHost),
      ...session.findings,
      ...(session.goes ? soften(safety) : safety),
    ],
    goes: session.goes,
    ...(seen === undefined ? {} : { seen }),
  };
}

const fails = (findings: readonly Finding[]): Checkup => ({ findings, goes: false });

function findingOf(check: Finding['check'], failure: Failure, setting: Pick<Setting, 'plan' | 'opened'>): Finding {
  const { plan, opened } = setting;
  const { text, reply, advice, host } = advised(failure, circumstancesOf(plan, opened.helloName ?? ''));
  return {
    check,
    verdict: 'failure',
    ...(host === undefined ? {} : { subject: host }),
    text: reply === undefined ? text : `${text}: ${formatReply(reply).slice(0, 300)}`,
    advice: advice ?? (check === 'mx' || check === 'host' ? OTHER_ADDRESS : OPERATOR),
  };
}

const OTHER_ADDRESS = 'As it is, nobody can send there: ask whoever reads it for an address that works';
const OPERATOR = 'Its operator has to see to it; mail in the queue is tried again where that can help';

function hostsFinding({ hosts, destination: subject }: Route): Finding {
  const [first] = hosts;
  const isOwn = hosts.length === 1 && first?.name === subject;
  const names = hosts.slice(0, 20).map(({ name, preference }) => `${preference} ${name}`);
  const text = isOwn ? 'it has no MX: its own address takes its mail' : names.join(', ');
  return { check: 'mx', verdict: 'ok', subject, text };
}

interface Setting extends WayQuestion {
  readonly route: Route;
}

interface Examined {
  readonly host: Host;
  readonly findings: readonly Finding[];
  readonly facts?: HostFacts;
}

const factsOf = (examined: Examined | undefined): Pick<Examined, 'facts'> =>
  examined?.facts === undefined ? {} : { facts: examined.facts };

async function examineHost(
  host: Host,
  { find, route, plan, opened }: Setting & { readonly find: ReturnType<typeof finderFor> },
  world: World,
): Promise<Examined> {
  const { outlet } = plan;
  const { timeouts, network, tls } = outlet.settings;
  const found = await find(host);
  if ('scope' in found) return { host, findings: [findingOf('host', { ...found, host: host.name }, { plan, opened })] };
  const { protection, login } = sessionPlan({ outlet, opened, route, requireTls: false }, host);
  const lenient = { ...protection.plan, check: 'none' } as const;
  const facts = await probeHost(
    {
      target: {
        host: host.name,
        addresses: found.slice(0, outlet.settings.limits.addresses),
        port: route.port,
        connectTimeout: stageLimit('connect', timeouts),
        tlsTimeout: stageLimit('tls', timeouts),
        ...(protection.implicit ? { implicitTls: lenient } : {}),
        ...networkOf(network, route).network,
      },
      protocol: route.protocol,
      wantsTls: protection.startTls !== 'never',
      tls: lenient,
      timeouts,
      ...(opened.helloName === undefined ? {} : { helloName: opened.helloName }),
    },
    world,
  );
  const findings = judgeHost(facts, {
    host: host.name,
    port: route.port,
    mode: protection.implicit ? 'implicit' : protection.startTls,
    check: protection.plan.check,
    fingerprints: tls.fingerprints,
    hasLogin: login !== undefined,
    isRelay: route.via === 'relay',
    now: world.now(),
  });
  return { host, findings, facts };
}

/** Opens a session as a delivery would, with its policy and its login, and leaves again. */
async function examineSessions(
  all: readonly Examined[],
  { route, plan, opened }: Setting,
  world: World,
): Promise<Pick<Checkup, 'findings' | 'goes'>> {
  const findings: Finding[] = [];
  const { material } = opened;
  const demands = await demandsOf({ ...plan, material, requireTls: false }, world);
  const ready = all.filter(({ facts }) => facts?.address !== undefined && facts.greeting?.code === 220);
  let tried = 0;
  for (const { host, facts } of ready) {
    if (tried === MOST_SESSIONS) break;
    const asked = (await demands?.of(host)) ?? {};
    if ('scope' in asked) {
      findings.push(findingOf('session', { ...asked, host: host.name }, { plan, opened }));
      continue;
    }
    tried += 1;
    const session = sessionPlan({ outlet: plan.outlet, opened, route, requireTls: false, ...asked }, host);
    const opening = await openSession({ ...session, addresses: [facts?.address ?? ''] }, world, {});
    const { login } = session;
    if (opening.kind === 'open') {
      await opening.session.quit();
      const subject = host.name;
      const user = login?.credentials.user;
      const loggedIn = {
        check: 'login',
        verdict: 'ok',
        subject,
        text: user === undefined ? 'it lets us in' : `it lets ${user} in`,
      } as const;
      const { tls } = opening.session.peer;
      const safety = tls === undefined ? 'in the clear' : `${tls.version}, ${trustText(tls)}`;
      const ok = { check: 'session', verdict: 'ok', subject, text: `it would take mail (${safety})` } as const;
      return { findings: [...soften(findings), ...(login === undefined ? [] : [loggedIn]), ok], goes: true };
    }
    const { failure } = opening;
    findings.push(
      findingOf(failure.stage === 'auth' ? 'login' : 'session', { ...failure, host: host.name }, { plan, opened }),
    );
  }
  if (findings.length > 0) return { findings, goes: false };
  const advice = 'See what is said of each; in the queue, mail is tried again';
  return {
    findings: [{ check: 'session', verdict: 'failure', text: 'no server takes mail now', advice }],
    goes: false,
  };
}
