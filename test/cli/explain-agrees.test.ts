import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { ExplainedRecipientJson, ExplanationJson } from '../../src/cli/explain-walk.ts';
import type { WayJson } from '../../src/cli/explain-way.ts';
import { deliver } from '../../src/delivery/deliver.ts';
import { ConnectError, type Target } from '../../src/net/connection.ts';
import type { World } from '../../src/world.ts';
import { fakeSurroundings, play } from './fake-surroundings.ts';

/*
 * What `posthaste explain` says is what `posthaste send` does: any configuration of a few routes and accounts, any
 * recipient, sender and user. Servers are never there, so that each way is tried until one leads to a place on this host.
 */

const folder = mkdtempSync(join(tmpdir(), 'posthaste-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const zones = {
  MX: { 'a.test': ['10 mx1.a.test', '20 mx2.a.test'], 'b.a.test': ['5 mx1.a.test'], 'null.test': ['0 .'] },
  A: { 'mx1.a.test': ['192.0.2.1'], 'mx2.a.test': ['192.0.2.2'], 'c.test': ['192.0.2.3'] },
  AAAA: { 'mx1.a.test': ['2001:db8::1'] },
  fail: ['MX broken.test'],
};

const domain = fc.constantFrom('a.test', 'b.a.test', 'c.test', 'null.test', 'broken.test', 'missing.test');
const local = fc.constantFrom('ann', 'bob', 'boss', 'o-n');
const address = fc.tuple(local, domain).map(([name, where]) => `${name}@${where}`);
const glob = fc.oneof(
  domain,
  address,
  fc.constantFrom('*.a.test', 'boss@*', '*', '*.test', 'b*@a.test', 'vm.example.org'),
);
const place = fc.constantFrom('file:CAPTURE', 'maildir:CAPTURE/m/%u', 'discard', 'reject:not here');
const relay = fc.constantFrom(
  ...['smtp://192.0.2.9', 'smtps://me@relay.test', 'smtp+starttls://you@relay.test:5870', 'lmtp://192.0.2.8'],
);
const via = fc.oneof(fc.constant('mx'), relay, place, fc.constantFrom('account:one', 'account:two'));
const some = <T>(one: fc.Arbitrary<T>, most = 2) => fc.array(one, { maxLength: most });

const variation = fc.record(
  {
    ip: fc.constantFrom('4', '6', 'prefer-4'),
    from: fc.constantFrom('alerts@a.test', '%u@b.test'),
    from_mode: fc.constantFrom('keep', 'envelope', 'force'),
    source_address: fc.constantFrom('192.0.2.77'),
    proxy: fc.constantFrom('socks5://192.0.2.66:1080'),
  },
  { requiredKeys: [] },
);
const route = fc.record({
  recipient: some(glob),
  sender: some(glob, 1),
  uid: some(fc.constantFrom(0, 1000, 1001), 1),
  via: fc.array(via, { minLength: 1, maxLength: 3 }),
  over: variation,
});
const account = fc.record({ url: fc.oneof(relay, place), sender: some(glob, 1), over: variation });

const scene = fc.record({
  routes: some(route, 3),
  accounts: fc.tuple(account, account),
  rest: fc.option(fc.constantFrom('smtps://me@relay.test', 'file:CAPTURE'), { nil: undefined }),
  local: fc.option(fc.constantFrom('maildir:CAPTURE/here/%u', 'reject'), { nil: undefined }),
  recipient: fc.oneof(address, fc.constantFrom('root', 'ann', 'root@localhost')),
  sender: fc.option(fc.oneof(address, fc.constant('<>')), { nil: undefined }),
  uid: fc.constantFrom(0, 1000, 1001, 1002),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

/** The scene as a configuration file. */
function toml({ routes, accounts, rest, local: here }: Scene, capture: string): string {
  const text = (value: unknown): string => JSON.stringify(value).replaceAll('CAPTURE', capture);
  const lines = (table: object): string[] => Object.entries(table).map(([key, value]) => `${key} = ${text(value)}`);
  const without = <T extends { over: object }>({ over, ...own }: T): object => ({ ...own, ...over });
  const filled = (table: object): object =>
    Object.fromEntries(Object.entries(table).filter(([, value]) => !Array.isArray(value) || value.length > 0));
  return [
    ...(rest === undefined ? [] : [`relay = ${text(rest)}`]),
    ...(here === undefined ? [] : [`local = ${text(here)}`]),
    '[aliases]',
    'root = "ann@a.test"',
    ...accounts.flatMap((one, index) => [
      `[account.${['one', 'two'][index]}]`,
      ...lines(filled(without(one))),
      ...(/@/.test(one.url) ? [`password_file = "/secret/${index}"`] : []),
    ]),
    ...routes.flatMap((one) => ['[[route]]', ...lines(filled(without(one)))]),
  ].join('\n');
}

interface Done {
  readonly exit: number;
  readonly dialled: readonly object[];
  readonly secrets: readonly string[];
  readonly captured: readonly { readonly sender: string; readonly from: string }[];
  readonly reports: readonly { recipient: string; outcome: string; host?: string; error?: string; status: string }[];
}

const userNameOf = (uid: number): string | undefined => ({ 0: 'root', 1000: 'me', 1001: 'you' })[uid];

async function send(one: Scene, files: Readonly<Record<string, string>>, capture: string): Promise<Done> {
  const dialled: object[] = [];
  const secrets: string[] = [];
  const base = fakeSurroundings({ zones });
  const over = {
    env: { POSTHASTE_PASSWORD: 'opensesame' },
    surface: { ...base.surface, userId: () => one.uid, userName: () => userNameOf(one.uid) },
    userNameOf,
    openWorld: (settings: Parameters<typeof base.openWorld>[0]): World => ({
      ...base.openWorld(settings),
      async connect(target: Target) {
        dialled.push(dialOf(target));
        const refused = { code: 'ECONNREFUSED', reason: 'connection refused' };
        throw new ConnectError(
          target,
          target.addresses.map((each) => ({ address: each, ...refused })),
        );
      },
    }),
    deliver,
    async findSecret(request: { passwordFile?: string; ownOnly?: true }) {
      secrets.push(request.passwordFile ?? (request.ownOnly === true ? '~/.netrc' : 'POSTHASTE_PASSWORD'));
      return 'opensesame';
    },
  };
  const words = [...(one.sender === undefined ? [] : ['-f', one.sender]), '--no-queue', '--json', '--', one.recipient];
  const { exit, out } = await play(words, { files, zones }, over);
  const reports = JSON.parse(out).recipients;
  const names = readdirSync(capture).filter((name) => name.endsWith('.json'));
  const captured = names.map((name) => {
    const { sender } = JSON.parse(readFileSync(join(capture, name), 'utf8'));
    const mail = readFileSync(join(capture, name.replace('.json', '.eml')), 'utf8');
    return { sender, from: /^From: (?:.*<)?([^<>\r]*)>?\r$/m.exec(mail)?.[1] ?? '' };
  });
  return { exit, dialled, secrets, captured, reports };
}

const dialOf = ({ host, port, addresses, implicitTls, source, proxy }: Target) => ({
  ...{ host, port, addresses, implicit: implicitTls !== undefined, source: source ?? [] },
  proxy: proxy === undefined ? undefined : `${proxy.host}:${proxy.port}`,
});

/** The connections and passwords that the ways told need, one after the other, and the last way that is come to. */
function expected({ ways, outcome }: ExplainedRecipientJson) {
  const dialled: object[] = [];
  const passwords: string[] = [];
  let last: WayJson | undefined;
  for (const way of ways) {
    last = way;
    const [place] = way.login?.password ?? [];
    if (place !== undefined) passwords.push(place.replace(/^\w+ /, ''));
    for (const { name, addresses = [] } of way.hosts ?? []) {
      if (addresses.length === 0) continue;
      const { source = [], proxy } = way.network ?? {};
      const implicit = way.tls?.mode === 'implicit';
      dialled.push({ host: name, port: way.port, addresses, implicit, source, proxy });
    }
    const isPlace = way.hosts === undefined && way.error === undefined;
    const isRefusal = way.way === 'reject' || (way.error !== undefined && outcome === 'failed' && isFinal(way));
    if (isPlace || isRefusal) break;
  }
  return { dialled, passwords, last };
}

/** A domain that is not there, or takes no mail, ends the search for a way. */
const isFinal = ({ status = '' }: WayJson): boolean => status.startsWith('5.');

test('what explain says is what is then done', async () => {
  let runs = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scene, async (one) => {
      runs += 1;
      const capture = join(folder, String(runs));
      mkdirSync(capture);
      const config = toml(one, capture);
      const files = { '/etc/posthaste/config.toml': config };
      const words = ['explain', '--json', '--uid', String(one.uid), '--', one.recipient];
      if (one.sender !== undefined) words.splice(1, 0, '--from', one.sender);
      const told = await play(words, { files, zones }, { userNameOf, env: { POSTHASTE_PASSWORD: 'opensesame' } });
      expect(told.err).toBe('');
      expect(told.steps.filter((step) => /^(?:secret|message|deliver|drain)/.test(step))).toEqual([]);
      const explanation: ExplanationJson = JSON.parse(told.out);
      const [explained] = explanation.recipients;
      const done = await send(one, files, capture);
      if (explained === undefined) throw new Error('there is no recipient');
      const { dialled, passwords, last } = expected(explained);
      expect(done.dialled).toEqual(dialled);
      const [report] = done.reports;
      expect(report?.recipient).toBe(explained.recipient);
      if (explained.outcome !== undefined) {
        expect(report).toMatchObject({ outcome: explained.outcome, status: explained.status, error: explained.error });
        expect(done.exit).toBe(told.exit);
      } else {
        expect(told.exit).toBe(0);
      }
      if (last?.hosts === undefined && last?.error === undefined) {
        expect(report).toMatchObject({
          outcome: 'delivered',
          host: last?.path === undefined ? last?.way : expect.stringContaining(last.path),
        });
      }
      if (last?.way.startsWith('file:'))
        expect(done.captured).toEqual([{ sender: last.sender, from: last.from ?? '' }]);
      expect(done.secrets).toEqual(passwords);
      seen.add(`${explained.rule} ${last?.way.replace(/:.*/, '')}`);
    }),
    { seed: 11, numRuns: 150 },
  );
  expect(seen.size).toBeGreaterThan(15);
});
