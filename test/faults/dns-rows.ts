import { type Alter, type Asked, SERVFAIL, type Zones } from '../support/dns-server.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { NOBODY } from '../support/fault-run.ts';

const HERE = ['127.0.0.1'];
const YES = { exit: 0, results: ['delivered 2.0.0 250'] } as const;
const mx = (...lines: readonly string[]): Zones => ({ 'dest.test': { MX: lines }, 'mx1.dest.test': { A: HERE } });

const zone = (
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

/** Every answer is something else. */
const spoiled = (id: string, what: string, alter: Alter): FaultRow =>
  zone(
    id,
    what,
    mx('10 mx1.dest.test'),
    { exit: 75, results: ['deferred 4.4.3 resolve'], connections: [0] },
    {
      dns: { alter },
      timeouts: { resolve: '500ms' },
    },
  );

/** The header and the question of an answer, and behind them something else; one record is announced. */
const withRecord =
  (record: readonly number[], announced = 1): Alter =>
  (answer) => {
    const end = answer.indexOf(0, 12) + 5;
    const bytes = Buffer.concat([answer.subarray(0, end), Buffer.from(record)]);
    bytes.writeUInt16BE(announced, 6);
    bytes.writeUInt32BE(0, 8);
    return [bytes];
  };

/** `withRecord` does not look at what was asked. */
const NO_MATTER: Asked = { name: '', type: '', transport: 'udp', hasEdns: false, id: 0 };
const MX_HEAD = [0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60];

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
  ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '255.255.255.255', '169.254.1.1'].map((address) =>
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
  ...['::1', '::', 'fe80::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'].map((address) =>
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
    { exit: 68, results: ['failed 5.'], connections: [0] },
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
  spoiled('N18', 'every answer has another id', (answer) => [
    Buffer.concat([Buffer.from([answer[0]! ^ 1]), answer.subarray(1)]),
  ]),
  zone('N18', 'a forged answer before the right one', mx('10 mx1.dest.test'), YES, {
    dns: {
      alter: (answer) => [Buffer.concat([Buffer.from([answer[0]! ^ 1]), answer.subarray(1)]), answer, answer],
    },
  }),
  spoiled('N20', 'a compression pointer to itself', withRecord([0xc0, 0xff, 0, 15, 0, 1])),
  spoiled('N20', 'a compression pointer that goes round', withRecord([...MX_HEAD, 0, 4, 0, 10, 0xc0, 0x2b])),
  spoiled('N20', 'a label of a kind that is none', withRecord([...MX_HEAD, 0, 4, 0, 10, 0x80, 1])),
  spoiled('N21', 'a record that runs past the packet', withRecord([...MX_HEAD, 0xff, 0xff, 0, 10, 0])),
  spoiled('N21', 'an MX of one octet', withRecord([...MX_HEAD, 0, 1, 0])),
  spoiled('N21', 'an MX of none', withRecord([...MX_HEAD, 0, 0])),
  zone(
    'N21',
    'an A of three octets',
    mx('10 mx1.dest.test'),
    { exit: 75, results: ['deferred 4.4.3 resolve'], connections: [0] },
    {
      dns: {
        alter: (answer, { type }) =>
          type === 'A' ? withRecord([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 127, 0, 0])(answer, NO_MATTER) : [answer],
      },
      timeouts: { resolve: '500ms' },
    },
  ),
  spoiled('N23', '65,535 records are announced, and none comes', withRecord([], 65_535)),
  spoiled('N23', 'empty and short packets', (answer) => [
    Buffer.alloc(0),
    answer.subarray(0, 5),
    answer.subarray(0, 12),
  ]),
  zone('N24', 'the first name server is dead', mx('10 mx1.dest.test'), YES, { deadResolver: true }),
  zone('N25', 'a server that does not know EDNS', mx('10 mx1.dest.test'), YES, {
    dns: {
      alter: (answer, { hasEdns }) => {
        if (!hasEdns) return [answer];
        const refusal = Buffer.from(answer.subarray(0, 12));
        refusal.writeUInt16BE(0x8001, 2);
        refusal.fill(0, 4);
        return [refusal];
      },
    },
  }),
  zone('N27', 'AAAA: SERVFAIL, A: an address', mx('10 mx1.dest.test'), YES, {
    dns: {
      alter: (answer, { type }) => {
        if (type !== 'AAAA') return [answer];
        const failure = Buffer.from(answer);
        failure[3] = (failure[3]! & 0xf0) | SERVFAIL;
        return [failure];
      },
    },
  }),
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
  ...['[1.2.3]', '[x:y]', '[IPv6:fe80::1%lo]', '[256.1.1.1]', '[IPv6:127.0.0.1]'].map((literal) =>
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
