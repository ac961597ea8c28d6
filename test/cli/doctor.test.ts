import { describe, expect, it } from 'vitest';
import { SecretError } from '../../src/config/secret-text.ts';
import { ConnectError, type Target } from '../../src/net/connection.ts';
import type { World } from '../../src/world.ts';
import { type FakeOptions, fakeSurroundings, type Over, play, readJson } from './fake-surroundings.ts';

const zones = {
  MX: { 'example.org': ['10 mx.example.org'], 'me.test': ['10 mx.me.test'] },
  A: { 'mx.example.org': ['192.0.2.1'] },
  TXT: { 'me.test': ['v=spf1 -all'] },
};
const config = `
domain = "me.test"
[account.work]
url = "smtps://ann@relay.test"
password_file = "/secret"
[account.box]
url = "maildir:/m"
[[route]]
recipient = "fallback.test"
via = ["smtp://192.0.2.9", "discard"]
`;
const files = { '/etc/posthaste/config.toml': config, '/etc/aliases': 'root: ann@fallback.test, bob@fallback.test\n' };

/** Nobody answers, in the way that the code says. */
const silent =
  (code: string): World['connect'] =>
  async (target: Target) => {
    throw new ConnectError(
      target,
      target.addresses.map((address) => ({ address, code, reason: 'no answer' })),
    );
  };

async function doctor(words: readonly string[], options: FakeOptions = {}, over: Over = {}) {
  const given = { zones, files, patient: true, ...options } as const;
  const base = fakeSurroundings(given);
  const openWorld = (settings: Parameters<typeof base.openWorld>[0]): World => ({
    ...base.openWorld(settings),
    connect: silent('ETIMEDOUT'),
  });
  return play(['doctor', ...words], given, { openWorld, ...over });
}

describe('posthaste doctor', () => {
  it('takes one way that goes for enough', async () => {
    const { exit, out, err, steps } = await doctor(['ann@fallback.test']);
    expect([exit, err]).toEqual([0, '']);
    expect(out).toContain('Way 1       smtp://192.0.2.9:25\n');
    expect(out).toContain('  ok       way         thrown away, as configured\n');
    expect(out).toMatch(/^Result {6}mail would go \(3 warnings\)$/m);
    expect(steps.filter((step) => /^(?:deliver|message|drain)/.test(step))).toEqual([]);
  });

  it('looks at each reader of an alias', async () => {
    const { out, exit } = await doctor(['root@vm.example.org', '--json']);
    expect(exit).toBe(0);
    const { subjects } = readJson(out);
    expect(subjects).toMatchObject([{ name: 'ann@fallback.test' }, { name: 'bob@fallback.test' }]);
  });

  it('says that port 25 seems to be blocked, and what is held against us', async () => {
    const { exit, out } = await doctor(['example.org'], {}, { ownAddresses: () => ['10.0.0.2', '203.0.113.9'] });
    expect(exit).toBe(69);
    expect(out).toMatch(
      /failure {2}connect {5}port 25 is silent at every address.*\n +Send through a relay on port 465 or 587/,
    );
    expect(out).toContain('  ok       address     servers see us at 203.0.113.9\n');
    expect(out).toMatch(/failure {2}spf {9}me\.test: fail: "-all"/);
    expect(out).toMatch(/warning {2}reverse {5}203\.0\.113\.9: the address has no name/);
  });

  it('looks at all relays where it is asked about nothing', async () => {
    const { out, exit } = await doctor([]);
    expect(exit).toBe(69);
    expect(out).toContain('Way         smtp://192.0.2.9:25\n');
    expect(out).toContain('Way         smtps://relay.test:465, account work\n');
    expect(out).not.toContain('maildir');
    expect(out).not.toContain('Sender');
    const bare = await doctor([], { files: {} });
    expect([bare.exit, bare.err]).toEqual([
      64,
      expect.stringMatching(/say a domain or an address, as in posthaste doctor example\.org$/m),
    ]);
  });

  it('tells what is wrong with a password, and never the password', async () => {
    const refuse = { findSecret: () => Promise.reject(new SecretError('file "/secret" does not exist', 78)) };
    const { exit, out } = await doctor(['work'], {}, refuse);
    expect(exit).toBe(69);
    expect(out).toContain('  failure  login       Cannot read password: file "/secret" does not exist\n');
    const asked = await doctor(['work']);
    expect(asked.steps).toContain('secret');
    expect(asked.out + asked.err).not.toContain('opensesame');
    expect(asked.out).toMatch(/^For {9}work\nWay {9}smtps:\/\/relay\.test:465, account work$/m);
  });

  it('gives up in time where name servers are silent', async () => {
    const given = { zones: { hang: ['MX hang.test', 'MX me.test'] }, files };
    // Pauses end at once in these surroundings, so all that waits is late.
    const { exit, out } = await play(['doctor', 'hang.test'], given);
    expect(exit).toBe(69);
    expect(out).toMatch(/unknown {2}resolver {4}not done within 90 s/);
    expect(out).toMatch(/failure {2}session {5}not done within 90 s/);
  });

  it('wants a word that names something', async () => {
    expect(await doctor(['box'])).toMatchObject({ exit: 64, err: expect.stringMatching(/the account has no server/) });
    expect(await doctor(['nobody'])).toMatchObject({ exit: 64, err: expect.stringMatching(/there are work, box$/m) });
    expect(await doctor(['a@@b'])).toMatchObject({ exit: 65 });
    expect(await doctor(['a.test', 'b.test'])).toMatchObject({ exit: 64 });
  });
});
