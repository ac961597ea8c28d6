import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { parseRelay } from '../../src/config/relay.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Opened } from '../../src/delivery/deliver.ts';
import { within } from '../../src/doctor/finding.ts';
import { examineWay } from '../../src/doctor/way.ts';
import { ConnectError } from '../../src/net/connection.ts';
import { planOutlet } from '../../src/route/plan.ts';
import type { OutletVia } from '../../src/route/table.ts';
import type { World } from '../../src/world.ts';
import type { MockZones } from '../support/mock-resolver.ts';
import { type TestWorld, testWorld } from '../support/world.ts';

const worlds: TestWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

const ZONES: MockZones = {
  MX: { 'b.test': ['10 mx1.b.test', '20 mx2.b.test'], 'null.test': ['0 .'] },
  A: { 'mx1.b.test': ['10.0.0.1'], 'mx2.b.test': ['10.0.0.2'], 'own.test': ['10.0.0.1'] },
};
const HELLO = 'S: 220 mx1\nC: EHLO vm.a.test\nS: 250-mx1 at your service, [203.0.113.7]\nS: 250 SIZE 1000\nC: QUIT';

interface Case {
  readonly domain?: string;
  readonly via?: OutletVia;
  readonly zones?: MockZones;
  readonly scripts?: Readonly<Record<string, readonly string[]>>;
  readonly settings?: Partial<Settings>;
  readonly opened?: Partial<Opened>;
  readonly over?: Partial<World>;
}

async function examine({ domain = 'b.test', via = { kind: 'mx' }, zones = ZONES, ...rest }: Case) {
  const world = await testWorld(zones, rest.scripts ?? {});
  worlds.push(world);
  const settings = { ...DEFAULTS, mx: { port: 25, allowLocal: true }, ...rest.settings };
  const outlet = { via, settings, login: {} };
  const rule = { name: 'the rest', recipients: [], senders: [], uids: [], outlets: [outlet] } as const;
  const [plan] = planOutlet({ rule, outlet }, [{ address: { local: 'postmaster', domain } }]);
  if (plan === undefined) throw new Error('there is no plan');
  const opened = { material: { ca: 'system' }, helloName: 'vm.a.test', ...rest.opened };
  const found = await examineWay({ plan, opened }, { ...world, ...rest.over });
  // Whatever is wrong, somebody can do something about it.
  for (const { verdict, advice, text } of found.findings) {
    if ((verdict === 'failure' || verdict === 'warning') && !text.startsWith('refused here'))
      expect(advice, text).toBeDefined();
  }
  const lines = found.findings.map(
    ({ verdict, check, subject, text }) => `${verdict} ${check} ${subject ?? '-'}: ${text}`,
  );
  return { ...found, lines };
}

const relay = (url: string): OutletVia => {
  const reading = parseRelay(url);
  if (!('relay' in reading)) throw new Error(reading.reason);
  return { kind: 'relay', relay: reading.relay };
};

describe('examineWay()', () => {
  test('looks at each host, and opens a session at the best one', async () => {
    const { goes, lines, seen } = await examine({ scripts: { '10.0.0.1': [HELLO], '10.0.0.2': [HELLO] } });
    expect(goes).toBe(true);
    expect(seen).toBe('203.0.113.7');
    expect(lines).toEqual([
      'ok mx b.test: 10 mx1.b.test, 20 mx2.b.test',
      'ok connect mx1.b.test: 10.0.0.1 answers on port 25',
      'ok greeting mx1.b.test: 220 mx1',
      'warning starttls mx1.b.test: no STARTTLS is offered: mail goes in the clear',
      'ok connect mx2.b.test: 10.0.0.2 answers on port 25',
      'ok greeting mx2.b.test: 220 mx1',
      'warning starttls mx2.b.test: no STARTTLS is offered: mail goes in the clear',
      'ok session mx1.b.test: it would take mail (in the clear)',
      'ok mta-sts b.test: there is no MTA-STS policy',
      'ok tlsa mx1.b.test: there are no TLSA records',
      'ok tlsa mx2.b.test: there are no TLSA records',
    ]);
  });

  test('makes a warning of a host that is down, where another one takes mail', async () => {
    const { goes, lines } = await examine({ scripts: { '10.0.0.2': [HELLO] } });
    expect(goes).toBe(true);
    expect(lines).toContain('warning connect mx1.b.test: nothing answers on port 25: 10.0.0.1: connection refused');
    expect(lines).toContain('ok session mx2.b.test: it would take mail (in the clear)');
    expect(lines.filter((line) => line.startsWith('failure'))).toEqual([]);
  });

  test('fails where nobody answers', async () => {
    const { goes, lines } = await examine({});
    expect(goes).toBe(false);
    expect(lines).toContain('failure connect mx1.b.test: nothing answers on port 25: 10.0.0.1: connection refused');
    expect(lines).toContain('failure session -: no server takes mail now');
    expect(lines.join()).not.toContain('block');
  });

  test('suspects a blocked port where all addresses are silent', async () => {
    const connect: World['connect'] = async (target) => {
      const silent = { code: 'ETIMEDOUT', reason: 'no answer within 20 s' };
      throw new ConnectError(
        target,
        target.addresses.map((address) => ({ address, ...silent })),
      );
    };
    const { goes, findings } = await examine({ over: { connect } });
    expect(goes).toBe(false);
    expect(findings).toContainEqual({
      check: 'connect',
      verdict: 'failure',
      text: 'port 25 is silent at every address, while names are found: this network seems to block it',
      advice: expect.stringMatching(/relay/),
    });
    const other = await examine({ via: relay('smtps://10.0.0.9'), over: { connect } });
    expect(other.lines[0]).toMatch(/^failure connect -: port 465 is silent at every address: a firewall/);
  });

  test('says what DNS says against the domain', async () => {
    expect((await examine({ domain: 'null.test' })).lines).toEqual([
      'failure mx -: domain "null.test" accepts no mail (null MX, 556)',
    ]);
    expect((await examine({ domain: 'gone.test' })).lines).toEqual(['failure mx -: domain "gone.test" does not exist']);
    const broken = await examine({ domain: 'x.test', zones: { fail: ['MX x.test'] } });
    expect(broken.lines[0]).toMatch(/^failure resolver -: looking up MX of "x\.test": .*SERVFAIL/);
    const implicit = await examine({ domain: 'own.test', scripts: { '10.0.0.1': [HELLO] } });
    expect(implicit.lines[0]).toBe('ok mx own.test: it has no MX: its own address takes its mail');
  });

  test('hears what a greeting or EHLO says against us', async () => {
    const greeting = 'S: 554 5.7.1 you are on a list\nC: QUIT';
    const turned = await examine({ domain: 'own.test', scripts: { '10.0.0.1': [greeting] } });
    expect(turned.goes).toBe(false);
    expect(turned.lines).toContain('failure greeting own.test: it turns us away: 554 5.7.1 you are on a list');
    const hello = 'S: 220 hi\nC: EHLO vm.a.test\nS: 550 no\nC: HELO vm.a.test\nS: 550 no\nC: QUIT';
    const refused = await examine({ domain: 'own.test', scripts: { '10.0.0.1': [hello] } });
    expect(refused.lines).toContain('failure greeting own.test: it refuses our EHLO: 550 no');
    expect(refused.goes).toBe(false);
    const hangsUp = (verb: string) => `S: 220 hi\nC: ${verb} vm.a.test\n--: close`;
    const scripts = { '10.0.0.1': [hangsUp('EHLO'), hangsUp('EHLO'), hangsUp('HELO')] };
    const cut = await examine({ domain: 'own.test', scripts });
    expect(cut.goes).toBe(false);
    expect(cut.lines.some((line) => /^failure greeting own\.test: connection lost/.test(line))).toBe(true);
  });

  test('logs in, and tells what the server says to it', async () => {
    const hi = 'S: 220 r\nC: EHLO vm.a.test\nS: 250-r\nS: 250 AUTH PLAIN';
    const login = { credentials: { user: 'ann', password: 'x' }, mechanism: 'PLAIN' } as const;
    const settings = { tls: { ...DEFAULTS.tls, level: 'none' } } as const;
    const auth = (reply: string) => [`${hi}\nC: QUIT`, `${hi}\nC: AUTH PLAIN AGFubgB4\nS: ${reply}\nC: QUIT`];
    const via = relay('smtp://ann@10.0.0.9:2500');
    const good = await examine({ via, settings, opened: { login }, scripts: { '10.0.0.9': auth('235 ok') } });
    expect(good.goes).toBe(true);
    expect(good.lines).toContain('ok auth 10.0.0.9: it offers PLAIN');
    expect(good.lines).toContain('ok login 10.0.0.9: it lets ann in');
    const bad = await examine({ via, settings, opened: { login }, scripts: { '10.0.0.9': auth('535 5.7.8 no') } });
    expect(bad.goes).toBe(false);
    expect(bad.lines).toContain('failure login 10.0.0.9: refused when logging in with PLAIN: 535 5.7.8 no');
    const none = await examine({ via, settings, scripts: { '10.0.0.9': [`${hi}\nC: QUIT`] } });
    expect(none.lines).toContain('warning auth 10.0.0.9: it offers PLAIN, and no login is configured');
  });

  test('fails where TLS is required and not offered', async () => {
    const hi = 'S: 220 r\nC: EHLO vm.a.test\nS: 250 r\nC: QUIT';
    const { goes, lines } = await examine({ via: relay('smtp://10.0.0.9:587'), scripts: { '10.0.0.9': [hi] } });
    expect(goes).toBe(false);
    expect(lines).toContain('failure starttls 10.0.0.9: no STARTTLS is offered, and TLS is required');
  });

  test('says what is published for safety', async () => {
    const record = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32) };
    const zones: MockZones = {
      ...ZONES,
      TXT: { '_mta-sts.b.test': ['v=STSv1; id=20260101'] },
      TLSA: { '_25._tcp.mx1.b.test': [record, record], '_25._tcp.mx2.b.test': [record] },
      authentic: ['TLSA _25._tcp.mx1.b.test'],
    };
    const { lines } = await examine({ zones, scripts: { '10.0.0.1': [HELLO], '10.0.0.2': [HELLO] } });
    expect(lines.slice(-3)).toEqual([
      expect.stringMatching(/^warning mta-sts b\.test: there is a record, and no policy at https:.*does not exist$/),
      expect.stringMatching(/^warning tlsa mx1\.b\.test: 2 TLSA records .* it offers no STARTTLS: .* the MX records/),
      expect.stringMatching(/^warning tlsa mx2\.b\.test: one TLSA record .* our resolver does not vouch for them/),
    ]);
  });

  test('fails for what is published only where mail does not go', async () => {
    const record = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32) };
    const zones: MockZones = {
      ...ZONES,
      TLSA: { '_25._tcp.own.test': [record] },
      authentic: ['TLSA _25._tcp.own.test', 'MX own.test'],
    };
    const went = await examine({ domain: 'own.test', zones, scripts: { '10.0.0.1': [HELLO] } });
    expect([went.goes, went.lines.at(-1)]).toEqual([
      true,
      expect.stringMatching(/^warning tlsa own\.test: .*STARTTLS/),
    ]);
    const settings = { tls: { ...DEFAULTS.tls, level: 'encrypt' } } as const;
    const stays = await examine({ domain: 'own.test', zones, settings, scripts: { '10.0.0.1': [HELLO] } });
    expect([stays.goes, stays.lines.at(-1)]).toEqual([false, expect.stringMatching(/^failure tlsa own\.test: /)]);
  });

  test('connects to nobody for a place on this host', async () => {
    expect(await examine({ via: { kind: 'maildir', path: '/m' } })).toMatchObject({
      goes: true,
      lines: ['ok way -: put into maildir:/m'],
    });
    expect(await examine({ via: { kind: 'reject', text: 'no' } })).toMatchObject({
      goes: false,
      lines: ['failure way -: refused here: no'],
    });
    expect(await examine({ via: { kind: 'discard' } })).toMatchObject({ goes: true });
  });
});

describe('within()', () => {
  const forever = new Promise<string>(() => {});

  test('gives up what is not done when the time is over', async () => {
    const waits: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => void waits.push(milliseconds);
    expect(await within({ milliseconds: 90_000, sleep }, forever, () => 'late')).toBe('late');
    expect(waits).toEqual([90_000]);
  });

  test('stops the clock when it is done', async () => {
    let stopped: AbortSignal | undefined;
    const sleep = (_: number, signal?: AbortSignal): Promise<void> => {
      stopped = signal;
      return new Promise(() => {});
    };
    expect(await within({ milliseconds: 1, sleep }, Promise.resolve('done'), () => 'late')).toBe('done');
    expect(stopped?.aborted).toBe(true);
  });
});
