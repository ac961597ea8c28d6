import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { type Login, openSession, type SessionPlan } from '../../src/delivery/session.ts';
import { connect } from '../../src/net/connect.ts';
import type { World } from '../../src/world.ts';
import { createAuthority } from '../support/certificates.ts';
import { type ScramSmtpOptions, startMiddle, startScramSmtp } from '../support/scram-server.ts';
import { testWorld } from '../support/world.ts';

const authority = createAuthority();
afterAll(() => authority.close());
const certificate = authority.issue({ names: ['DNS:mx.test'] });

const ACCOUNT = { user: 'ann', password: 'correct horse' };
const SERVER: ScramSmtpOptions = {
  certificate,
  ...ACCOUNT,
  offered: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'],
  kinds: ['tls-exporter', 'tls-server-end-point'],
};

async function login(port: number, rest: Partial<Login> = {}): Promise<string> {
  const world: World = {
    ...(await testWorld({}, {})),
    connect: (target, signal) => connect({ ...target, port }, signal),
  };
  const plan: SessionPlan = {
    host: 'mx.test',
    addresses: ['127.0.0.1'],
    port: 465,
    protocol: 'smtp',
    helloName: 'client.test',
    protection: {
      startTls: 'never',
      requireTls: false,
      implicit: true,
      plan: {
        servername: 'mx.test',
        check: 'chain',
        names: ['mx.test'],
        fingerprints: [],
        ca: authority.ca,
        minVersion: 'TLSv1.2',
      },
    },
    timeouts: {},
    login: { credentials: ACCOUNT, ...rest },
  };
  const opening = await openSession(plan, world, {});
  if (opening.kind === 'failure') return `${opening.failure.status} ${opening.failure.text}`;
  await opening.session.quit();
  return 'open';
}

describe('a login over real TLS', () => {
  test.each([
    ['TLSv1.3', 'p=tls-exporter'],
    ['TLSv1.2', 'p=tls-server-end-point'],
  ] as const)('is bound in %s by %s', async (maxVersion, flag) => {
    const server = await startScramSmtp({ ...SERVER, maxVersion });
    expect(await login(server.port)).toBe('open');
    expect(server.tried).toEqual([`SCRAM-SHA-256-PLUS ${flag}`]);
  });

  test.each([true, false])('finds the kind that the server knows (it tells why: %s)', async (tellsWhy) => {
    const server = await startScramSmtp({ ...SERVER, kinds: ['tls-server-end-point'], tellsWhy });
    expect(await login(server.port)).toBe('open');
    expect(server.tried).toEqual(['SCRAM-SHA-256-PLUS p=tls-exporter', 'SCRAM-SHA-256-PLUS p=tls-server-end-point']);
  });

  test('goes unbound where the server knows neither kind', async () => {
    const server = await startScramSmtp({ ...SERVER, kinds: [] });
    expect(await login(server.port)).toBe('open');
    expect(server.tried.at(-1)).toBe('SCRAM-SHA-256 n');
  });

  const middle = (port: number, change?: (text: string) => string) =>
    startMiddle(
      authority.issue({ names: ['DNS:mx.test'] }),
      () => connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }),
      change,
    );

  test('is not passed on by somebody in the middle whose certificate we believe', async () => {
    const server = await startScramSmtp(SERVER);
    expect(await login(await middle(server.port))).toMatch(/^5\.7\.8 /);
    expect(server.tried).toEqual(['SCRAM-SHA-256-PLUS p=tls-exporter']);
  });

  test('tells the server that its offer was struck out', async () => {
    const server = await startScramSmtp(SERVER);
    const port = await middle(server.port, (text) => text.replace('SCRAM-SHA-256-PLUS ', ''));
    expect(await login(port)).toMatch(/^5\.7\.8 /);
    expect(server.tried).toEqual(['SCRAM-SHA-256 y']);
  });

  test('is remembered, and a weaker one is not given afterwards', async () => {
    const known = new Map<string, string>();
    const memory = {
      strongest: (key: string) => known.get(key),
      remember: (key: string, mechanism: string) => void known.set(key, mechanism),
    };
    const server = await startScramSmtp(SERVER);
    expect(await login(server.port, { memory })).toBe('open');
    expect([...known]).toEqual([['mx.test:465 ann', 'SCRAM-SHA-256-PLUS']]);
    const weak = await startScramSmtp({ ...SERVER, offered: ['SCRAM-SHA-256', 'PLAIN'] });
    expect(await login(weak.port, { memory })).toMatch(/^4\.7\.0 .*SCRAM-SHA-256-PLUS was used before$/);
    expect(weak.tried).toEqual([]);
    expect(await login(weak.port, { memory, mechanism: 'SCRAM-SHA-256' })).toBe('open');
    expect(await login(weak.port, { memory })).toBe('open');
    expect([...known]).toEqual([['mx.test:465 ann', 'SCRAM-SHA-256']]);
  });
});
