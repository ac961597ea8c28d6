import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { QueuedRecipient, Way } from '../../src/mail/entry.ts';
import type { Failure } from '../../src/mail/result.ts';
import { connect } from '../../src/net/connect.ts';
import { ConnectError } from '../../src/net/connection.ts';
import type { QueueEvent } from '../../src/queue/event.ts';
import { type RunOptions, type RunReport, runQueue } from '../../src/queue/run.ts';
import type { Means } from '../../src/queue/run-means.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { scratch } from '../../src/submit/scratch.ts';
import { addressOf, QUEUED, queuedOf } from './entry.ts';
import { HELLO, messageOf } from './message.ts';
import { mockResolver } from './mock-resolver.ts';
import { oneWay } from './one-way.ts';
import { inPlace } from './world.ts';

/** Domains and the ports of loopback where their servers are; a port of 0 refuses every connection. */
export type Ports = Readonly<Record<string, number>>;

/** Everything that runs of the queue need: a clock that sleeping moves on, and a server for each domain. */
export interface QueueWorld {
  /** Milliseconds since 1970; a test sets it. */
  time: number;
  readonly events: QueueEvent[];
  /** The domains that were connected to, or tried, in order. */
  readonly tried: string[];
  /** What there is instead of means, for ways that are set here. */
  failure: Failure | undefined;
  settings: Settings;
  readonly means: Means;
  run(spool: Spool, options?: Partial<RunOptions>): Promise<RunReport>;
}

export function queueWorld(ports: Ports): QueueWorld {
  const domains = Object.keys(ports);
  const addressOfDomain = (domain: string): string => `10.0.0.${domains.indexOf(domain) + 1}`;
  const events: QueueEvent[] = [];
  const tried: string[] = [];
  const world: Means['world'] = {
    now: () => it.time,
    monotonic: () => it.time,
    random: () => 0.5,
    async sleep(milliseconds) {
      it.time += milliseconds;
    },
    resolver: mockResolver({
      MX: Object.fromEntries(domains.map((domain) => [domain, [`10 mx.${domain}`]])),
      A: Object.fromEntries(domains.map((domain) => [`mx.${domain}`, [addressOfDomain(domain)]])),
    }),
    systemLookup: (host) => Promise.reject(new Error(`ENOTFOUND ${host}`)),
    scratch,
    async connect(target, signal) {
      const domain = target.host.replace(/^mx\./, '');
      tried.push(domain);
      const port = ports[domain] ?? 0;
      const [address = ''] = target.addresses;
      if (port !== 0) {
        const connection = await connect({ ...target, addresses: ['127.0.0.1'], port }, signal);
        return inPlace(connection, { address, port: target.port });
      }
      throw new ConnectError(target, [{ address, code: 'ECONNREFUSED', reason: 'connection refused' }]);
    },
  };
  const it: QueueWorld = {
    time: QUEUED,
    events,
    tried,
    failure: undefined,
    settings: { ...DEFAULTS, mx: { port: 25, allowLocal: true } },
    get means() {
      return { ...oneWay({ settings: it.settings, helloName: 'client.test' }), world };
    },
    run: (spool, options = {}) =>
      runQueue(spool, {
        world,
        findMeans: async (_: Way) => it.failure ?? it.means,
        reports: { fqdn: 'mail.example.org', zone: () => 0 },
        limits: DEFAULTS.runner,
        fsync: false,
        signal: new AbortController().signal,
        log: (event) => events.push(event),
        ...options,
      }),
  };
  return it;
}

export interface Submitted {
  readonly to: readonly string[];
  readonly from?: string | null;
  readonly queued?: number;
  readonly rest?: Partial<QueuedRecipient>;
  readonly text?: string;
  readonly way?: Way;
}

/** Puts a message into the queue; returns its id. */
export async function submit(
  spool: Spool,
  { to, from = 'ann@example.org', queued = QUEUED, rest = {}, text = HELLO, way = {} }: Submitted,
) {
  const entry = await spool.accept(messageOf(text), {
    ...{ queued, envelope: { sender: from === null ? null : addressOf(from) }, way, uid: 0 },
    recipients: to.map((address) => queuedOf(address, { nextAttempt: queued, ...rest })),
  });
  return entry.id;
}

/** What is left in the queue: a line for each recipient, such as `bob@b.test pending 1 4.7.1`. */
export async function linesOf(spool: Spool): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of spool.entries()) {
    for (const { recipient, state, attempts, last } of entry.recipients) {
      const { local, domain } = recipient.address;
      lines.push(`${local}@${domain} ${state} ${attempts}${last === undefined ? '' : ` ${last.status}`}`);
    }
  }
  return lines.sort();
}
