import { SERVFAIL, type Zones } from '../support/dns-server.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { NOBODY } from '../support/fault-run.ts';

const HERE = ['127.0.0.1'];
export const YES = { exit: 0, results: ['delivered 2.0.0 250'] } as const;
export const mx = (...lines: readonly string[]): Zones => ({
  'dest.test': { MX: lines },
  'mx1.dest.test': { A: HERE },
});

export const zone = (
  id: string,
  what: string,
  zones: Zones,
  want: FaultRow['want'],
  more: Partial<FaultRow> = {},
): FaultRow => ({
  id,
  what,
  via: 'mx',
  servers: [{}],
  zones,
  want,
  ...more,
});

/** What a look-up finds, or does not. */
export const DNS_ROWS: readonly FaultRow[] = [
  zone(
    'N01',
    'the domain does not exist',
    { 'other.test': { A: HERE } },
    { exit: 68, results: ['failed 5.1.2 resolve'] },
  ),
  zone(
    'N05',
    'the addresses of the only MX: SERVFAIL',
    { ...mx('10 mx1.dest.test'), 'mx1.dest.test': { code: SERVFAIL } },
    {
      exit: 75,
      results: ['deferred 4.4.3 resolve'],
    },
  ),
  zone(
    'N05',
    'the addresses of the best MX: SERVFAIL, and another MX',
    {
      ...mx('10 bad.dest.test', '20 mx1.dest.test'),
      'bad.dest.test': { code: SERVFAIL },
    },
    YES,
  ),
  zone(
    'N05',
    'MX: SERVFAIL',
    { 'dest.test': { code: SERVFAIL, A: HERE } },
    {
      exit: 75,
      results: ['deferred 4.4.3 resolve'],
      connections: [0],
    },
  ),
  zone(
    'N05',
    'MX: no answer at all',
    { 'dest.test': { silent: true, A: HERE } },
    {
      exit: 75,
      results: ['deferred 4.4.3 resolve'],
      connections: [0],
      within: 5000,
    },
    { timeouts: { resolve: '400ms' } },
  ),
  zone('N07', 'null MX', mx('0 .'), { exit: 68, results: ['failed 5.1.10 resolve'], connections: [0] }),
  zone('N07', 'a lone "10 ."', mx('10 .'), { exit: 68, results: ['failed 5.1.10 resolve'], connections: [0] }),
  zone('N07', 'null MX beside a real one', mx('0 .', '10 mx1.dest.test'), YES),
  zone(
    'N08',
    'no MX has an address',
    { ...mx('10 a.dest.test', '20 b.dest.test'), 'dest.test': { A: HERE, MX: ['10 a.dest.test'] } },
    {
      exit: 68,
      results: ['failed 5.4.4 resolve'],
      connections: [0],
    },
  ),
  zone('N08', 'one MX has an address', mx('10 a.dest.test', '20 mx1.dest.test'), YES),
  zone('N09', 'an MX is a CNAME', { ...mx('10 alias.dest.test'), 'alias.dest.test': { CNAME: 'mx1.dest.test' } }, YES),
  zone(
    'N09',
    'a CNAME goes round',
    {
      'dest.test': { CNAME: 'b.dest.test' },
      'b.dest.test': { CNAME: 'dest.test' },
    },
    { exit: 75, results: ['deferred 4.4.3 resolve'] },
  ),
  ...['127.9.9.9', '0.0.0.0', '169.254.1.1'].map((address) =>
    zone(
      'N12',
      `an MX on ${address}`,
      { 'dest.test': { MX: ['10 mx1.dest.test'] }, 'mx1.dest.test': { A: [address] } },
      {
        exit: 68,
        results: ['failed 5.1.2 resolve'],
        connections: [0],
      },
      { refusesLocal: true },
    ),
  ),
  ...['::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'].map((address) =>
    zone(
      'N12',
      `an MX on ${address}`,
      { 'dest.test': { MX: ['10 mx1.dest.test'] }, 'mx1.dest.test': { AAAA: [address] } },
      {
        exit: 68,
        results: ['failed 5.1.2 resolve'],
        connections: [0],
      },
      { refusesLocal: true },
    ),
  ),
  zone(
    'N12',
    'an MX called localhost',
    mx('10 localhost'),
    { exit: 68, results: ['failed 5.4.4 resolve'], connections: [0] },
    {
      refusesLocal: true,
    },
  ),
  zone(
    'N12',
    'an address literal of loopback',
    {},
    { exit: 68, results: ['failed 5.1.2 resolve'], connections: [0] },
    {
      recipients: ['ann@[127.0.0.1]'],
      refusesLocal: true,
    },
  ),
  zone(
    'N14',
    'three MX of equal preference, one of which works',
    {
      'dest.test': { MX: ['10 a.dest.test', '10 b.dest.test', '10 mx1.dest.test'] },
      'a.dest.test': { A: ['127.0.0.9'] },
      'b.dest.test': { A: ['127.0.0.10'] },
      'mx1.dest.test': { A: HERE },
    },
    YES,
  ),
  zone(
    'N15',
    'of an MX’s addresses only the last one answers',
    {
      ...mx('10 mx1.dest.test'),
      'mx1.dest.test': { A: ['127.0.0.9', '127.0.0.10', '127.0.0.1'] },
    },
    YES,
  ),
  zone(
    'N15',
    'IPv6 is dead, IPv4 alive',
    { ...mx('10 mx1.dest.test'), 'mx1.dest.test': { A: HERE, AAAA: ['::1'] } },
    YES,
  ),
  zone(
    'N16',
    '121 MX: the answer comes over TCP',
    {
      'dest.test': {
        MX: Array.from({ length: 121 }, (_, index) => `${index} a-rather-long-name-of-a-host-${index}.dest.test`),
      },
      'a-rather-long-name-of-a-host-0.dest.test': { A: HERE },
    },
    YES,
  ),
  zone(
    'N16',
    '121 MX, none of which answers',
    {
      'dest.test': {
        MX: Array.from({ length: 121 }, (_, index) => `${index} a-rather-long-name-of-a-host-${index}.dest.test`),
      },
      ...Object.fromEntries(
        Array.from({ length: 121 }, (_, index) => [
          `a-rather-long-name-of-a-host-${index}.dest.test`,
          { A: ['127.0.0.9'] },
        ]),
      ),
    },
    { exit: 75, results: ['deferred 4.4.1 connect'] },
    { servers: [NOBODY] },
  ),
  zone('N24', 'the first name server is dead', mx('10 mx1.dest.test'), YES, { deadResolver: true }),
  zone('N28', 'a domain with an umlaut', { 'xn--bcher-kva.test': { A: HERE } }, YES, {
    recipients: ['ann@bücher.test'],
  }),
  zone('N28', 'a domain with an underscore', { 'un_der.test': { A: HERE } }, YES, { recipients: ['ann@un_der.test'] }),
  zone('N28', 'a domain with a dot at its end', { 'dest.test': { A: HERE } }, YES, { recipients: ['ann@dest.test.'] }),
  ...['1.1', '2130706433', '0x7f.1', '127.1'].map((domain) =>
    zone(
      'N28',
      `a domain of digits does not become an address: ${domain}`,
      {},
      {
        exit: 65,
        results: ['failed 5.1.3'],
        connections: [0],
      },
      { recipients: [`ann@${domain}`] },
    ),
  ),
  zone('N29', 'an address literal', {}, YES, { recipients: ['ann@[127.0.0.1]'] }),
  ...['[1.2.3]', '[x:y]', '[IPv6:fe80::1%lo]'].map((literal) =>
    zone(
      'N29',
      `a literal that is none: ${literal}`,
      {},
      { exit: 65, results: ['failed 5.1.3'], connections: [0] },
      {
        recipients: [`ann@${literal}`],
      },
    ),
  ),
  zone(
    'N30',
    '3,000 recipients in 3,000 domains',
    {},
    {
      exit: 68,
      results: Array.from({ length: 3000 }, () => 'failed 5.1.2 resolve'),
    },
    { recipients: Array.from({ length: 3000 }, (_, index) => `ann@d${index}.example`) },
  ),
];
