import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { findStsPolicy } from '../../src/delivery/sts-find.ts';
import { type PolicyInForce, policyInForce } from '../../src/delivery/sts-policy.ts';
import { ConnectError, type Connection } from '../../src/net/connection.ts';
import type { KnownPolicy, PolicyMemory, StsPolicy } from '../../src/tls/mta-sts.ts';
import type { World } from '../../src/world.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

afterEach(() => void vi.useRealTimers());

/** A connection on which this is the answer, whatever is asked. */
function answering(text: string): Connection {
  let left: Buffer | null = Buffer.from(text);
  return {
    peer: { host: 'mta-sts.b.test', address: '192.0.2.1', port: 443 },
    localAddress: undefined,
    bindings: () => [],
    chain: () => [],
    take: () => {
      const taken = left;
      left = null;
      return taken;
    },
    readable: async () => (left === null ? 'ended' : 'bytes'),
    write: () => true,
    writable: async () => 'drained',
    startTls: async () => {},
    finish: () => {},
    destroy: () => {},
  };
}

const page = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const textOf = ({ mode, mx, maxAge }: StsPolicy): string =>
  ['version: STSv1', `mode: ${mode}`, ...mx.map((one) => `mx: ${one}`), `max_age: ${maxAge}`, ''].join('\r\n');

const WEEK = 604_800;
const policy = (more: Partial<StsPolicy> = {}): StsPolicy => ({
  ...{ mode: 'enforce', mx: ['mx.b.test'], maxAge: WEEK },
  ...more,
});
const OLD = policy({ mx: ['old.b.test'] });
const NEW = policy({ mx: ['new.b.test'] });

interface Remembered {
  readonly known: Map<string, KnownPolicy>;
  readonly failures: Map<string, { readonly id: string; readonly time: number }>;
}

function fakeMemory(): PolicyMemory & Remembered {
  const known = new Map<string, KnownPolicy>();
  const failures = new Map<string, { id: string; time: number }>();
  return {
    known,
    failures,
    recall: (domain) => known.get(domain),
    keep: (domain, one) => void known.set(domain, one),
    failed(domain, id) {
      const last = failures.get(domain);
      return last?.id === id ? last.time : undefined;
    },
    keepFailure: (domain, id, time) => void failures.set(domain, { id, time }),
  };
}

const NOW = Date.parse('2026-01-15T12:00:00Z');
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const TXT = 'TXT _mta-sts.b.test';
const record = (...ids: readonly string[]): MockZones => ({
  TXT: { '_mta-sts.b.test': ids.map((id) => `v=STSv1; id=${id}`) },
  A: { 'mta-sts.b.test': ['192.0.2.1'] },
});

interface Scene {
  readonly zones?: MockZones;
  /** What its server says; absent: nobody is there. */
  readonly served?: string;
  readonly known?: KnownPolicy;
  readonly failure?: { readonly id: string; readonly time: number };
}

function scene({ zones = record('1'), served, known, failure }: Scene) {
  const memory = fakeMemory();
  if (known !== undefined) memory.known.set('b.test', known);
  if (failure !== undefined) memory.failures.set('b.test', failure);
  const clock = { now: NOW, monotonic: 5_000 };
  const resolver = mockResolver(zones);
  const fetches: string[] = [];
  const world: Pick<World, 'resolver' | 'connect' | 'monotonic' | 'now'> = {
    resolver,
    now: () => clock.now,
    monotonic: () => clock.monotonic,
    async connect(target) {
      fetches.push(`${target.host}:${target.port}`);
      if (served === undefined)
        throw new ConnectError(target, [{ address: '192.0.2.1', code: 'ECONNREFUSED', reason: 'connection refused' }]);
      return answering(served);
    },
  };
  const { network } = DEFAULTS;
  const questionOf = (domain: string) => ({ domain, network, material: { ca: 'system' }, allowLocal: true });
  return {
    ...{ memory, clock, fetches, world, resolver },
    ask: (domain = 'b.test') => policyInForce(questionOf(domain), world, memory),
    askAlone: (domain = 'b.test') => policyInForce(questionOf(domain), world, undefined),
    look: () => findStsPolicy(questionOf('b.test'), world),
  };
}

const inForce = (id: string, one: StsPolicy): PolicyInForce => ({ kind: 'policy', id, policy: one });
const NONE: PolicyInForce = { kind: 'none' };
const ago = (age: number, id = '1', one = OLD): KnownPolicy => ({ id, policy: one, fetched: NOW - age });

/** Until what goes on beside the mail has ended. */
const beside = () => new Promise((resolve) => setImmediate(resolve));

describe('policyInForce()', () => {
  interface Want {
    readonly answer: PolicyInForce;
    readonly fetches: number;
    /** What is remembered after it, where that is something else than before. */
    readonly kept?: KnownPolicy;
    readonly failed?: string;
  }
  const rule = (name: string, given: Scene, want: Want): void =>
    test(name, async () => {
      const { ask, fetches, memory } = scene(given);
      expect(await ask()).toEqual(want.answer);
      await beside();
      expect(fetches).toEqual(Array.from({ length: want.fetches }, () => 'mta-sts.b.test:443'));
      expect(memory.known.get('b.test')).toEqual(want.kept ?? given.known);
      expect(memory.failures.get('b.test')).toEqual(
        want.failed === undefined ? given.failure : { id: want.failed, time: NOW },
      );
    });
  const served = page(textOf(NEW));
  const latest = (one: StsPolicy, id = '1'): KnownPolicy => ({ id, policy: one, fetched: NOW });

  // Nothing is known.
  rule(
    'is the policy that is there, and keeps it',
    { served },
    { answer: inForce('1', NEW), fetches: 1, kept: latest(NEW) },
  );
  rule('is none where there is no record', { served, zones: {} }, { answer: NONE, fetches: 0 });
  rule('is none where there are two records', { served, zones: record('1', '2') }, { answer: NONE, fetches: 0 });
  rule('is none where DNS does not answer', { served, zones: { fail: [TXT] } }, { answer: NONE, fetches: 0 });
  rule('is none where nobody serves a policy', {}, { answer: NONE, fetches: 1, failed: '1' });
  rule(
    'is none where the server has no address',
    { served, zones: { ...record('1'), A: {} } },
    { answer: NONE, fetches: 0, failed: '1' },
  );

  const bad: readonly (readonly [string, string])[] = [
    ['a redirect', `HTTP/1.1 302 Found\r\nLocation: https://mta-sts.b.test/\r\n\r\n${textOf(NEW)}`],
    ['a 404', served.replace('200 OK', '404 Not Found')],
    ['a page', served.replace('text/plain', 'text/html')],
    ['more than 64 KB', page(`${textOf(NEW)}${'x: y\r\n'.repeat(11_000)}`)],
    ['one that is cut short', served.slice(0, -10)],
    ['nothing', ''],
    ['version STSv2', page(textOf(NEW).replace('STSv1', 'STSv2'))],
    ['no mode', page(textOf(NEW).replace('mode: enforce\r\n', ''))],
    ['a max_age of more than a year', page(textOf(policy({ maxAge: 99_999_999 })))],
    ['no mx', page(textOf(policy({ mx: [] })))],
  ];
  for (const [name, answer] of bad) {
    rule(`counts ${name} as no policy`, { served: answer }, { answer: NONE, fetches: 1, failed: '1' });
    rule(
      `leaves the old policy in force where there is ${name}`,
      { served: answer, known: ago(DAY, '0') },
      { answer: inForce('0', OLD), fetches: 1, failed: '1' },
    );
  }
  rule(
    'is a policy with line feeds alone',
    { served: page(textOf(NEW).replaceAll('\r\n', '\n')) },
    { answer: inForce('1', NEW), fetches: 1, kept: latest(NEW) },
  );
  const TESTING = policy({ mode: 'testing' });
  rule(
    'is one that is tested as well',
    { served: page(textOf(TESTING)) },
    { answer: inForce('1', TESTING), fetches: 1, kept: latest(TESTING) },
  );

  // One is known.
  const stays = { answer: inForce('1', OLD), fetches: 0 };
  rule('stays without a fetch for a day', { served, known: ago(DAY - 1) }, stays);
  rule('stays where the record is gone', { served, zones: {}, known: ago(6 * DAY) }, stays);
  rule('stays where the record is broken', { served, zones: record('1', '2'), known: ago(6 * DAY) }, stays);
  rule(
    'stays where the record has no id',
    { served, zones: { TXT: { '_mta-sts.b.test': ['v=STSv1;'] } }, known: ago(DAY) },
    stays,
  );
  rule('stays where DNS does not answer', { served, zones: { fail: [TXT] }, known: ago(6 * DAY) }, stays);
  rule('stays where it can not be fetched again', { known: ago(2 * DAY) }, { ...stays, fetches: 1, failed: '1' });
  rule('stays to its last instant', { zones: {}, known: ago(7 * DAY - 1) }, stays);
  rule('ends when it is too old', { zones: {}, known: ago(7 * DAY) }, { answer: NONE, fetches: 0 });
  rule(
    'ends when it is too old and can not be fetched',
    { known: ago(7 * DAY) },
    { answer: NONE, fetches: 1, failed: '1' },
  );
  const changes = { answer: inForce('1', NEW), fetches: 1, kept: latest(NEW) };
  const renews = { ...changes, answer: inForce('1', OLD) };
  rule('is fetched again after a day, and mail goes by the old one meanwhile', { served, known: ago(DAY) }, renews);
  rule('is fetched again when it is too old', { served, known: ago(8 * DAY) }, changes);
  rule('is fetched where the id is another one', { served, known: ago(1, '0') }, changes);
  const hour = policy({ maxAge: 3600 });
  rule(
    'stays without a fetch for half of its time',
    { served, known: ago(HOUR / 2 - 1, '1', hour) },
    { answer: inForce('1', hour), fetches: 0 },
  );
  rule(
    'is fetched again after half of its time',
    { served, known: ago(HOUR / 2, '1', hour) },
    { ...changes, answer: inForce('1', hour) },
  );

  // A clock that was wrong.
  rule('is fetched again where it is from the future', { served, known: ago(-HOUR) }, renews);
  rule('stays where it is from the near future', { known: ago(-HOUR) }, { ...stays, fetches: 1, failed: '1' });
  rule('ends where it is from the far future', { zones: {}, known: ago(-7 * DAY) }, { answer: NONE, fetches: 0 });

  // A failure is known.
  const failure = (age: number, id = '1') => ({ id, time: NOW - age });
  rule(
    'is not fetched within five minutes of a failure',
    { served, failure: failure(5 * MINUTE - 1) },
    { answer: NONE, fetches: 0 },
  );
  rule(
    'stays, without a fetch, within five minutes of a failure',
    { served, known: ago(2 * DAY), failure: failure(MINUTE) },
    stays,
  );
  rule('is fetched five minutes after a failure', { served, failure: failure(5 * MINUTE) }, changes);
  rule('is fetched where the failure is of another id', { served, failure: failure(MINUTE, '0') }, changes);
  rule('is fetched where the failure is from the future', { served, failure: failure(-MINUTE) }, changes);

  // The end of policies.
  const NO = policy({ mode: 'none', mx: [] });
  rule(
    'is none where the new one says so, which is kept',
    { served: page(textOf(NO)), known: ago(HOUR, '0') },
    { answer: NONE, fetches: 1, kept: latest(NO) },
  );
  rule(
    'is none, without a fetch, where the known one says so',
    { served, known: ago(HOUR, '1', NO) },
    { answer: NONE, fetches: 0 },
  );
  rule(
    'is not taken from the memory of a policy that had an end',
    { zones: {}, known: ago(HOUR, '1', NO) },
    { answer: NONE, fetches: 0 },
  );

  test('asks nothing for an address literal or what is no domain', async () => {
    const { ask, resolver } = scene({ served });
    for (const domain of ['[192.0.2.1]', '[IPv6:2001:db8::1]', '192.0.2.1', '', '.', 'a b', 'a/b'])
      expect(await ask(domain)).toEqual(NONE);
    expect(resolver.asked).toEqual([]);
  });

  test('takes all ways to write a domain for one', async () => {
    const { ask, resolver, memory } = scene({
      served,
      zones: {
        TXT: { '_mta-sts.xn--bcher-kva.test': ['v=STSv1; id=1'] },
        A: { 'mta-sts.xn--bcher-kva.test': ['192.0.2.1'] },
      },
    });
    for (const domain of ['Bücher.test', 'BÜCHER.TEST.', 'XN--bcher-KVA.test.', 'xn--bcher-kva.test'])
      expect(await ask(domain)).toEqual(inForce('1', NEW));
    expect([...memory.known.keys()]).toEqual(['xn--bcher-kva.test']);
    expect(resolver.asked.filter((one) => one.startsWith('TXT'))).toHaveLength(1);
  });

  test('looks up once for all who ask at once, and for a minute', async () => {
    const { ask, clock, fetches, resolver } = scene({ served });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify(inForce('1', NEW))]),
    );
    // The clock of the wall says nothing of it.
    clock.now += DAY;
    clock.monotonic += 60 * SECOND - 1;
    await ask();
    const asked = () => resolver.asked.filter((one) => one === TXT).length;
    expect([asked(), fetches.length]).toEqual([1, 1]);
    clock.monotonic += 1;
    await ask();
    await beside();
    expect([asked(), fetches.length]).toEqual([2, 2]);
  });

  test('counts the minute from the end of the look-up', async () => {
    const { ask, clock, resolver } = scene({ served });
    const first = ask();
    clock.monotonic += 2 * MINUTE;
    await first;
    await ask();
    expect(resolver.asked.filter((one) => one === TXT)).toHaveLength(1);
  });

  test('forgets the oldest look-up of more than a thousand', async () => {
    const { ask, resolver } = scene({ zones: {} });
    for (let index = 0; index <= 1000; index++) await ask(`d${index}.test`);
    expect(resolver.asked).toHaveLength(1001);
    await ask('d1.test');
    expect(resolver.asked).toHaveLength(1001);
    await ask('d0.test');
    expect(resolver.asked).toHaveLength(1002);
  });

  test('knows nothing of what another resolver was asked', async () => {
    const one = scene({ served });
    expect(await one.ask()).toEqual(inForce('1', NEW));
    expect(await scene({ zones: {} }).ask()).toEqual(NONE);
  });

  test('needs no memory', async () => {
    const { askAlone, fetches, clock } = scene({ served });
    expect(await askAlone()).toEqual(inForce('1', NEW));
    clock.monotonic += HOUR;
    expect(await askAlone()).toEqual(inForce('1', NEW));
    expect(fetches).toHaveLength(2);
  });

  test('ends a fetch after 15 s, whoever is slow, and opens nothing after it', async () => {
    for (const slow of ['names', 'server'] as const) {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const zones = record('1');
      const { memory, world, ask } = scene({
        zones: slow === 'names' ? { ...zones, hang: ['A mta-sts.b.test'] } : zones,
      });
      const signals: boolean[] = [];
      world.connect = (_, signal) =>
        new Promise(() => signal?.addEventListener('abort', () => void signals.push(signal.aborted)));
      memory.keep('b.test', ago(DAY, '0'));
      let answer: PolicyInForce | undefined;
      const asked = ask().then((found) => {
        answer = found;
      });
      await vi.advanceTimersByTimeAsync(14_999);
      expect(answer).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      await asked;
      expect(answer).toEqual(inForce('0', OLD));
      expect(memory.failures.get('b.test')?.id).toBe('1');
      expect(signals).toEqual(slow === 'server' ? [true] : []);
      expect(vi.getTimerCount()).toBe(0);
      vi.useRealTimers();
    }
  });

  test('waits no longer than 10 s for the record', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { ask, memory, look } = scene({ zones: { hang: [TXT] }, known: ago(6 * DAY) });
    const asked = Promise.all([ask(), look()]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await asked).toEqual([inForce('1', OLD), { kind: 'unknown', text: 'no answer within 10 s' }]);
    expect([memory.failures.size, vi.getTimerCount()]).toEqual([0, 0]);
    vi.useRealTimers();
  });

  test('says to people how long it waited', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { look, world } = scene({});
    world.connect = () => new Promise(() => {});
    const found = look();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await found).toEqual({ kind: 'broken', where: 'fetch', reason: 'no answer within 15 s' });
  });

  test('leaves the old policy in force, or takes a whole new one, whatever is served', async () => {
    const extra = ['mode: none', 'max_age: 1', 'mx: *.b.test', '<html>', ': '];
    const good = textOf(NEW).trim().split('\r\n');
    const lines = fc.oneof(
      fc.shuffledSubarray([...good, ...extra], { minLength: 3 }),
      fc.shuffledSubarray(extra, { maxLength: 2 }).map((more) => [...more, ...good]),
    );
    const body = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      lines.map((all) => all.join('\r\n')),
    );
    let taken = 0;
    const answers = fc.oneof(body.map(page), fc.string({ unit: 'binary', maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(answers, async (text) => {
        const { ask, memory } = scene({ served: text, known: ago(DAY, '0') });
        const answer = await ask();
        const kept = memory.known.get('b.test');
        if (memory.failures.size > 0) {
          expect([answer, kept]).toEqual([inForce('0', OLD), ago(DAY, '0')]);
        } else {
          taken += 1;
          expect(kept?.fetched).toBe(NOW);
          expect(answer).toEqual(kept?.policy.mode === 'none' ? NONE : inForce('1', kept?.policy ?? OLD));
        }
      }),
      { seed: 8461, numRuns: 150 },
    );
    expect(taken).toBeGreaterThan(3);
  });
});
