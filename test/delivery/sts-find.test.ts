import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { findStsPolicy } from '../../src/delivery/sts-find.ts';
import { connect } from '../../src/net/connect.ts';
import { createAuthority } from '../support/certificates.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const authority = createAuthority();
const good = authority.issue({ names: ['DNS:mta-sts.b.test'] });
const servers: Server[] = [];
afterAll(() => authority.close());
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const POLICY = 'version: STSv1\nmode: enforce\nmx: mx.b.test\nmax_age: 86400\n';
const plain: Answer = (_, response) => response.setHeader('content-type', 'text/plain').end(POLICY);
const ZONES: MockZones = { TXT: { '_mta-sts.b.test': ['v=STSv1; id=1'] }, A: { 'mta-sts.b.test': ['127.0.0.1'] } };

/** What is found where the domain's server answers like this. */
async function find(
  answer: Answer,
  { zones = ZONES, certificate = good, network = DEFAULTS.network, allowLocal = true } = {},
) {
  const asked: string[] = [];
  const server = createServer(certificate, (request, response) => {
    asked.push(`${request.headers.host?.replace(/:\d+$/, '')}${request.url}`);
    answer(request, response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const world = { resolver: mockResolver(zones), connect, monotonic: () => performance.now() };
  const found = await findStsPolicy({ domain: 'b.test', network, material: authority, allowLocal, port }, world);
  return { found, asked };
}

describe('findStsPolicy()', () => {
  test('reads the policy of the domain', async () => {
    const { found, asked } = await find(plain);
    expect(found).toEqual({
      ...{ kind: 'policy', id: '1' },
      policy: { mode: 'enforce', mx: ['mx.b.test'], maxAge: 86_400 },
    });
    expect(asked).toEqual(['mta-sts.b.test/.well-known/mta-sts.txt']);
  });

  test('asks nobody where there is no record, or none that counts', async () => {
    const none = await find(plain, { zones: { ...ZONES, TXT: {} } });
    expect([none.found, none.asked]).toEqual([{ kind: 'none' }, []]);
    const two = await find(plain, {
      zones: { ...ZONES, TXT: { '_mta-sts.b.test': ['v=STSv1; id=1', 'v=STSv1; id=2'] } },
    });
    expect([two.found, two.asked]).toEqual([expect.objectContaining({ kind: 'broken', where: 'record' }), []]);
    const silent = await find(plain, { zones: { ...ZONES, fail: ['TXT _mta-sts.b.test'] } });
    expect(silent.found).toEqual({ kind: 'unknown', text: '192.0.2.53 answered SERVFAIL' });
  });

  const bad = (name: string, reason: RegExp, answer: Answer, options: Parameters<typeof find>[1] = {}): void =>
    test(`is not content with ${name}`, async () => {
      const { found } = await find(answer, options);
      expect(found).toEqual({ kind: 'broken', where: 'fetch', reason: expect.stringMatching(reason) });
    });
  const as =
    (status: number, type = 'text/plain', headers: Record<string, string> = {}): Answer =>
    (_, response) =>
      response.writeHead(status, { 'content-type': type, ...headers }).end(POLICY);
  bad('a policy that is not there', /^it answers 404$/, as(404));
  bad(
    'a redirect',
    /^it redirects \(301\), which does not count$/,
    as(301, 'text/plain', { location: 'https://x.test/' }),
  );
  bad('a page', /^its answer is text\/html, not text\/plain$/, as(200, 'text/html'));
  bad('64 KB and more', /^its answer is too large$/, (_, response) =>
    response.setHeader('content-type', 'text/plain').end('x'.repeat(70_000)),
  );
  bad('half an answer', /^the connection was lost$/, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 99 });
    response.write('version', () => response.destroy());
  });
  const named = (names: readonly string[], more = {}) => ({ certificate: authority.issue({ names, ...more }) });
  bad(
    'a certificate for another name',
    /^its certificate is not trusted: it is for .*, not for "mta-sts\.b\.test"/,
    plain,
    named(['DNS:b.test']),
  );
  bad(
    'an expired certificate',
    /^its certificate is not trusted: it or its issuer has expired/,
    plain,
    named(['DNS:mta-sts.b.test'], { days: -1 }),
  );
  bad(
    'a certificate of nobody',
    /^its certificate is not trusted: it is self-signed/,
    plain,
    named(['DNS:mta-sts.b.test'], { selfSigned: true }),
  );
  bad('a host that does not exist', /^host "mta-sts\.b\.test" does not exist$/, plain, { zones: { ...ZONES, A: {} } });
  bad('an address of this host', /^refused: loopback address 127\.0\.0\.1$/, plain, { allowLocal: false });
  bad('no address of the family', /^it has no IPv6 address$/, plain, { network: { ...DEFAULTS.network, ip: '6' } });

  test('tells a policy that can not be read from one that can not be had', async () => {
    const { found } = await find((_, response) => response.setHeader('content-type', 'text/plain').end('hello'));
    expect(found).toEqual({ kind: 'broken', where: 'policy', reason: '"hello" is no line of "key: value"' });
  });
});
