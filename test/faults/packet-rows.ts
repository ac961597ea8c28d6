import { type Alter, type Asked, SERVFAIL } from '../support/dns-server.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { mx, YES, zone } from './dns-rows.ts';

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

/** What a name server's packets hold, or do not. */
export const PACKET_ROWS: readonly FaultRow[] = [
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
];
