import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAddresses } from '../../src/dns/addresses.ts';
import { findHosts } from '../../src/dns/mx.ts';
import { createResolver, type NetworkResolver } from '../../src/dns/query.ts';
import { type DnsServer, SERVFAIL, startDns, type Zones } from '../support/dns-server.ts';

const ZONES: Zones = {
  'plain.test': { MX: ['10 mx.plain.test', '20 mx2.plain.test'] },
  'mx.plain.test': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
  'mx2.plain.test': { A: ['192.0.2.2'] },
  'implicit.test': { A: ['192.0.2.3'] },
  'empty.test': { TXT: ['nothing here'] },
  'null.test': { MX: ['0 .'] },
  'nullplus.test': { MX: ['0 .', '10 mx.plain.test'] },
  'null10.test': { MX: ['10 .'] },
  'mxcname.test': { MX: ['10 alias.test'] },
  'alias.test': { CNAME: 'mx.plain.test' },
  'domaincname.test': { CNAME: 'plain.test' },
  'mxnoa.test': { MX: ['10 none.test', '20 gone.plain.test'], A: ['192.0.2.9'] },
  'none.test': { TXT: ['x'] },
  'mxsomenoa.test': { MX: ['10 none.test', '20 mx.plain.test'] },
  'mxfail.test': { MX: ['10 fail.test', '20 mx.plain.test'] },
  'fail.test': { code: SERVFAIL },
  'mxlo.test': { MX: ['10 lo.test', '20 mx.plain.test'] },
  'lo.test': { A: ['127.0.0.1'], AAAA: ['::ffff:127.0.0.1'] },
  'mxaddress.test': { MX: ['10 192.0.2.1'] },
  'slow6.test': { A: ['192.0.2.4'], silent: ['AAAA'] },
};

let dns: DnsServer;
let resolver: NetworkResolver;
beforeAll(async () => {
  dns = await startDns(ZONES);
  const now = () => performance.now();
  const manner = { timeout: 60, attempts: 1, rotate: false, trustAd: false, useTcp: false, limit: 1000 };
  resolver = createResolver({ ...manner, servers: [dns], now });
});
afterAll(async () => {
  resolver.close();
  await dns.close();
});

/** What each host of a domain leads to, best first: addresses joined by blanks, or a status; or that of the domain. */
async function way(domain: string): Promise<string[]> {
  const found = await findHosts(domain, resolver, { random: () => 0 });
  if (found.kind === 'failure') return [`${found.failure.permanent ? 'failed' : 'deferred'} ${found.failure.status}`];
  const ways = found.hosts.map(async ({ name }) => {
    const host = await findAddresses(name, resolver, { allowLocal: false, resolutionDelay: 10 });
    return host.kind === 'addresses' ? host.addresses.join(' ') : `host ${host.failure.status}`;
  });
  return Promise.all(ways);
}

describe('findHosts() and findAddresses() over a name server', () => {
  const both = '2001:db8::1 192.0.2.1';
  test.each<[string, string, string[]]>([
    ['plain.test', 'goes to its hosts in order', [both, '192.0.2.2']],
    ['implicit.test', 'goes to the domain itself', ['192.0.2.3']],
    ['empty.test', 'has no address at all', ['host 5.4.4']],
    ['nxd.test', 'does not exist (N01)', ['failed 5.1.2']],
    ['null.test', 'accepts no mail', ['failed 5.1.10']],
    ['nullplus.test', 'has a null MX among others (N07)', [both]],
    ['null10.test', 'has a lone dot with a preference (N07)', ['failed 5.1.10']],
    ['mxcname.test', 'has an MX that is a CNAME (N09)', [both]],
    ['domaincname.test', 'is a CNAME itself', [both, '192.0.2.2']],
    ['mxnoa.test', 'has hosts without an address, and its own counts nothing (N08)', ['host 5.4.4', 'host 5.4.4']],
    ['mxsomenoa.test', 'has one host without an address (N08)', ['host 5.4.4', both]],
    ['mxfail.test', 'has a host that is not known for now (N05)', ['host 4.4.3', both]],
    ['fail.test', 'is not known for now', ['deferred 4.4.3']],
    ['mxlo.test', 'has a host on loopback (N12)', ['host 5.1.2', both]],
    ['mxaddress.test', 'has an address for an MX', ['failed 5.1.2']],
    ['slow6.test', 'has a server that is silent about AAAA', ['192.0.2.4']],
    ['1.1', 'looks like an address, and is none (N28)', ['failed 5.1.2']],
    ['2130706433', 'is a number (N28)', ['failed 5.1.2']],
    [`${'a'.repeat(64)}.test`, 'has a label that is too long (N28)', ['failed 5.1.2']],
  ])('%s %s', async (domain, _, want) => {
    expect(await way(domain)).toEqual(want);
  });
});
