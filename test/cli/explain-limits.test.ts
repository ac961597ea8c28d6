import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ExplanationJson } from '../../src/cli/explain-walk.ts';
import { meansFinder } from '../../src/cli/way.ts';
import { formatDuration } from '../../src/config/duration.ts';
import { deliver } from '../../src/delivery/deliver.ts';
import { ConnectError, type Connection, type Target } from '../../src/net/connection.ts';
import { groupsOf, isFailure, schedulesOf } from '../../src/queue/run-means.ts';
import type { World } from '../../src/world.ts';
import { fakeSurroundings, play } from './fake-surroundings.ts';

/*
 * What `posthaste explain` says of limits, time and retries is what the queue and a delivery go by, wherever it is set:
 * for all mail, by an account or by a route.
 */

const zones = {
  MX: { 'a.test': ['10 mx1.a.test', '20 mx2.a.test'] },
  A: { 'mx1.a.test': ['192.0.2.1'], 'mx2.a.test': ['192.0.2.2'] },
  AAAA: { 'mx1.a.test': ['2001:db8::1'], 'mx2.a.test': ['2001:db8::2'] },
};

const duration = fc.constantFrom('90s', '10m', '3h', '2d');
const rate = fc.constantFrom('1/min', '30/h', '500/d');
const timeouts = fc.record(
  {
    connect: fc.integer({ min: 1, max: 600 }),
    greeting: fc.integer({ min: 1, max: 600 }),
    tls: fc.integer({ min: 1, max: 600 }),
    rcpt: fc.integer({ min: 1, max: 600 }),
  },
  { requiredKeys: [] },
);
const when = { retry: fc.array(duration, { minLength: 1, maxLength: 3 }), expire: duration, delay_warning: duration };
const variation = fc.record(
  { ...when, rate, sessions: fc.integer({ min: 1, max: 9 }), timeouts },
  { requiredKeys: [] },
);
const scene = fc.record({
  root: fc.record(when, { requiredKeys: [] }),
  limits: fc.record(
    {
      recipients: fc.integer({ min: 1, max: 6 }),
      addresses: fc.integer({ min: 1, max: 5 }),
      sessions: fc.integer({ min: 1, max: 4 }),
      rate,
    },
    { requiredKeys: [] },
  ),
  runner: fc.record({ destination_sessions: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
  timeouts,
  account: variation,
  route: fc.option(variation, { nil: undefined }),
  via: fc.constantFrom('mx', 'account:one', 'smtp://192.0.2.9'),
  /** How servers are. */
  mood: fc.constantFrom('away', 'busy', 'good'),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

/** The scene as a configuration file. */
function toml({ root, limits, runner, timeouts: all, account, route, via }: Scene): string {
  const value = (one: unknown): string =>
    typeof one !== 'object' || one === null || Array.isArray(one)
      ? JSON.stringify(one)
      : `{ ${Object.entries(one).map(([key, each]) => `${key} = ${value(each)}`)} }`;
  const lines = (table: object): string[] => Object.entries(table).map(([key, one]) => `${key} = ${value(one)}`);
  return [
    ...lines({ ...root, limits, runner, timeouts: all, tls: { level: 'none' } }),
    '[account.one]',
    ...lines({ url: 'smtp://192.0.2.8', ...account }),
    ...(route === undefined ? [] : ['[[route]]', ...lines({ recipient: 'a.test', via, ...route })]),
  ].join('\n');
}

/** A server in memory that takes everything, or that is busy; it counts, and notes how long it is waited for. */
function serverFor(target: Target, mood: 'busy' | 'good', seen: { waits: number[]; counts: number[] }): Connection {
  const replies: string[] = [];
  let greeted = false;
  const [address = ''] = target.addresses;
  let inMessage = false;
  const answer = (line: string): void => {
    const [, verb = ''] = /^(\w+)/.exec(line) ?? [];
    if (inMessage) {
      inMessage = line !== '.';
      if (!inMessage) replies.push('250 2.0.0 taken');
    } else if (mood === 'busy') {
      replies.push('421 4.3.2 busy');
    } else if (verb === 'MAIL') {
      seen.counts.push(0);
      replies.push('250 ok');
    } else if (verb === 'DATA') {
      inMessage = true;
      replies.push('354 go on');
    } else {
      if (verb === 'RCPT') seen.counts.push((seen.counts.pop() ?? 0) + 1);
      replies.push(verb === 'QUIT' ? '221 bye' : '250 ok');
    }
  };
  return {
    peer: { host: target.host, address, port: target.port },
    localAddress: '192.0.2.100',
    bindings: () => [],
    chain: () => [],
    take: () => (replies.length === 0 ? null : Buffer.from(`${replies.splice(0).join('\r\n')}\r\n`)),
    async readable(milliseconds) {
      if (!greeted) {
        greeted = true;
        seen.waits.push(milliseconds);
        replies.push('220 mx');
      }
      return replies.length === 0 ? 'timeout' : 'bytes';
    },
    write(chunks) {
      for (const line of Buffer.concat([...chunks])
        .toString()
        .split('\r\n')
        .slice(0, -1))
        answer(line);
      return true;
    },
    writable: async () => 'drained',
    startTls: () => Promise.reject(new Error('nobody starts TLS here')),
    finish: () => {},
    destroy: () => {},
  };
}

const RECIPIENTS = ['r1@a.test', 'r2@a.test', 'r3@a.test', 'r4@a.test', 'r5@a.test'];

/** What a delivery to five recipients does. */
async function send(files: Readonly<Record<string, string>>, mood: Scene['mood']) {
  const dialled: Target[] = [];
  const seen = { waits: [], counts: [] };
  const base = fakeSurroundings({ zones });
  const openWorld = (settings: Parameters<typeof base.openWorld>[0]): World => ({
    ...base.openWorld(settings),
    async connect(target: Target) {
      dialled.push(target);
      if (mood !== 'away') return serverFor(target, mood, seen);
      const refused = { code: 'ECONNREFUSED', reason: 'connection refused' };
      throw new ConnectError(
        target,
        target.addresses.map((each) => ({ address: each, ...refused })),
      );
    },
  });
  const { out } = await play(['--no-queue', '--json', '--', ...RECIPIENTS], { files, zones }, { openWorld, deliver });
  const outcomes: readonly string[] = JSON.parse(out).recipients.map(({ outcome }: { outcome: string }) => outcome);
  return { dialled, outcomes, ...seen };
}

/** What the queue would go by for the same mail. */
async function queued(files: Readonly<Record<string, string>>) {
  const means = await meansFinder(fakeSurroundings({ files, zones }))({});
  if (isFailure(means)) throw new Error(means.text);
  const recipient = { address: { local: 'r1', domain: 'a.test' } };
  const sender = { local: 'me', domain: 'vm.example.org' };
  const entry = { envelope: { sender }, uid: 1000, way: {} };
  const [group] = groupsOf([recipient], entry, means);
  if (group === undefined) throw new Error('there is no group');
  const { rate: fast, each = means.settings.runner.destinationSessions } = group.lane;
  return { rate: fast, each, schedule: schedulesOf(entry, means)(recipient) };
}

test('what explain says of limits, time and retries is what holds', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scene, async (one) => {
      const files = { '/etc/posthaste/config.toml': toml(one) };
      const told = await play(['explain', '--json', '--', 'r1@a.test'], { files, zones });
      expect(told.err).toBe('');
      const explanation: ExplanationJson = JSON.parse(told.out);
      const [{ ways: [way] = [], retry, rule } = {}] = explanation.recipients;
      const { limits, hosts = [] } = way ?? {};
      if (limits === undefined) throw new Error('there are no limits');

      const { out } = await play(['explain', '--', 'r1@a.test'], { files, zones });
      const words = /^ {2}Limits {4}(.*)$/m.exec(out)?.[1] ?? '';
      for (const [stage, limit] of Object.entries(limits.timeouts ?? {})) {
        expect(words.split(', ')).toContain(`${formatDuration(limit)} for ${stage}`);
      }

      const plan = await queued(files);
      expect({ pauses: plan.schedule.retry, expire: plan.schedule.expire, delayWarning: plan.schedule.warn }).toEqual(
        retry,
      );
      expect(plan.each).toBe(limits.destinationSessions);
      expect(plan.rate && { messages: plan.rate.count, milliseconds: plan.rate.per }).toEqual(limits.rate);

      const done = await send(files, one.mood);
      for (const { connectTimeout, tlsTimeout } of done.dialled) {
        expect(connectTimeout).toBe(limits.timeouts?.connect ?? 30_000);
        expect(tlsTimeout).toBe(limits.timeouts?.tls ?? 60_000);
      }
      const addresses = hosts.flatMap((host) => host.addresses ?? []);
      const tried = new Set(done.dialled.flatMap((target) => target.addresses));
      expect(tried.size).toBeGreaterThan(0);
      const isAway = one.mood === 'away';
      expect(done.waits).toEqual(isAway ? [] : done.dialled.map(() => limits.timeouts?.greeting ?? 300_000));
      switch (one.mood) {
        case 'away':
          expect([...tried]).toEqual(addresses.slice(0, limits.addresses));
          break;
        case 'busy':
          expect(done.dialled.length).toBe(Math.min(limits.sessions, limits.addresses, addresses.length));
          break;
        case 'good': {
          expect(new Set(done.outcomes)).toEqual(new Set(['delivered']));
          const full = Array.from(
            { length: Math.floor(RECIPIENTS.length / limits.recipients) },
            () => limits.recipients,
          );
          const rest = RECIPIENTS.length % limits.recipients;
          expect(done.counts).toEqual([...full, ...(rest === 0 ? [] : [rest])]);
        }
      }
      seen.add(`${rule} ${way?.way} ${one.mood} ${limits.rate === undefined}`);
    }),
    { seed: 12, numRuns: 120 },
  );
  expect(seen.size).toBeGreaterThan(15);
});
