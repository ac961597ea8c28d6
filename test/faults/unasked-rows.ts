import { CLOSE, inTurn, pause, RESET, USUAL } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { TWO, WAYS, ways } from './ways.ts';

const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1] } as const;
const BIG = `Subject: big\n\n${'0123456789012345678901234567890123456789012345678901234567890\n'.repeat(40_000)}The end.\n`;

/** Replies that nobody asked for, goodbyes, and what a reply says against itself. */
export const UNASKED_ROWS: readonly FaultRow[] = [
  ...ways.flatMap(({ way, extensions }) =>
    (['ehlo', 'mail', 'rcpt'] as const).map((point): FaultRow => {
      // All is one flight there, so that the server has the message before anything can be known to be wrong.
      const has = way === 'CHUNKING' && point !== 'ehlo';
      const result = has ? 'deferred 4.5.0 dot uncertain' : 'deferred 4.5.0';
      return {
        id: 'R11',
        what: `reply-extra behind that to ${point}, ${way}`,
        servers: [{ [point]: [USUAL, '250 ok too'], extensions }],
        recipients: TWO,
        want: { exit: 75, results: [result, result], duplicate: has ? TWO : [] },
      };
    }),
  ),
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'R11',
      what: `reply-extra moves a refusal to another recipient, ${way}`,
      servers: [{ rcpt: inTurn(['250 ok', '250 ok too'], ['550 5.1.1 no such user'], ['250 ok']), extensions }],
      recipients: [...TWO, 'cid@dest.test'],
      want: {
        exit: 75,
        results: ['deferred 4.5.0', 'deferred 4.5.0', 'deferred 4.5.0'],
        duplicate: way === 'CHUNKING' ? ['ann@dest.test', 'cid@dest.test'] : [],
      },
    }),
  ),
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'R11',
      what: `reply-extra, and the message is refused and the connection closed, ${way}`,
      servers: [
        { rcpt: [USUAL, '250 ok too'], dot: ['550 5.7.1 spam', CLOSE], bdat: ['550 5.7.1 spam', CLOSE], extensions },
      ],
      want: { exit: 75, results: ['deferred 4.5.0'] },
    }),
  ),
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'R11',
      what: `reply-extra in the first transaction of two, ${way}`,
      servers: [
        { mail: [USUAL, '250 ok too'], rcpt: inTurn([USUAL], ['550 5.1.1 no such user'], [USUAL]), extensions },
      ],
      recipients: [...TWO, 'cid@dest.test'],
      config: ['hostname = "client.test"', 'domain = "client.test"', '[limits]', 'recipients = 2'],
      want: {
        exit: 75,
        results: ['deferred 4.5.0', 'deferred 4.5.0', 'deferred'],
        duplicate: way === 'CHUNKING' ? ['cid@dest.test'] : [],
      },
    }),
  ),
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'R11',
      what: `reply-extra behind the last one of all, ${way}`,
      servers: [{ quit: ['221 bye', '250 ok too'], extensions }],
      want: DELIVERED,
    }),
  ),
  ...['ehlo', 'mail', 'rcpt', 'dot'].map(
    (point): FaultRow => ({
      id: 'R13',
      what: `reply-blankline before that to ${point}`,
      servers: [{ [point]: ['', USUAL] }],
      want: {
        exit: 75,
        results: ['deferred 4.5.0'],
        // It is no answer, and what follows may be one or not.
        duplicate: point === 'dot' ? ['ann@dest.test'] : [],
      },
    }),
  ),
  {
    id: 'R14',
    what: 'an enhanced status that says no, behind a code that says yes',
    servers: [{ mail: ['250 5.7.1 no'], rcpt: ['250 4.2.0 no'], dot: ['250 5.7.1 no'] }],
    want: DELIVERED,
  },
  ...['550 2.0.0 fine', '550 5.7.1000 no', '550 5.7 no', '550 999.1.1 no', '550 5..1 no', '550 5.1.1no'].map(
    (text): FaultRow => ({
      id: 'R14',
      what: `an enhanced status that is none is as if it were not there: ${text}`,
      servers: [{ rcpt: [text] }],
      want: { exit: 67, results: ['failed 5.0.0 rcpt 550'], ended: [0] },
    }),
  ),
  {
    id: 'R14',
    what: 'an enhanced status of another class behind 450',
    servers: [{ rcpt: ['450 9.9.9 later'] }],
    want: { exit: 75, results: ['deferred 4.0.0 rcpt 450'] },
  },
  ...ways.flatMap(({ way, extensions }) =>
    (['greeting', 'ehlo', 'mail', 'rcpt'] as const).map(
      (point): FaultRow => ({
        id: 'R15',
        what: `421 behind the reply to ${point}, ${way}`,
        servers: [{ [point]: [USUAL, '421 4.3.2 going down', CLOSE], extensions }],
        want: { exit: 75, results: ['deferred 4.3.2'], ended: [0] },
      }),
    ),
  ),
  {
    id: 'R15',
    what: 'data-354-421',
    servers: [{ data: ['354 go', '421 4.3.2 going down', CLOSE] }],
    want: { exit: 75, results: ['deferred 4.3.2 body 421'], ended: [0] },
  },
  {
    id: 'R15',
    what: 'data-354-421, a moment later and in a large message',
    servers: [{ data: ['354 go', pause(50), '421 4.3.2 going down', CLOSE] }],
    message: BIG,
    want: { exit: 75, results: ['deferred 4.3.2'], ended: [0] },
  },
  {
    id: 'R15',
    what: 'what had its final answer before the 421 keeps it',
    servers: [{ rcpt: inTurn(['550 5.1.1 no such user'], ['250 ok', '421 4.3.2 going down', CLOSE]) }],
    recipients: TWO,
    want: { exit: 67, results: ['failed 5.1.1 rcpt 550', 'deferred 4.3.2'], ended: [0] },
  },
  {
    id: 'R15',
    what: 'a 421 behind the reply to the final dot takes nothing back',
    servers: [{ dot: [USUAL, '421 4.3.2 going down', CLOSE] }],
    want: DELIVERED,
  },
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'R16',
      what: `mail-550-close: refused and closed at once, ${way}`,
      servers: [{ mail: ['550 5.7.1 you are on our list', CLOSE], extensions }],
      want: { exit: 69, results: ['failed 5.7.1 mail 550'], ended: [0] },
    }),
  ),
  {
    id: 'R16',
    what: 'mail-550-close in the flight of a message that fills the buffers',
    servers: [{ mail: ['550 5.7.1 you are on our list', CLOSE], extensions: WAYS.CHUNKING }],
    message: `Subject: big\n\n${'x'.repeat(70)}\n`.padEnd(250_000, '0123456789\n'),
    want: { exit: 69, results: ['failed 5.7.1 mail 550'], ended: [0] },
  },
  {
    id: 'R16',
    what: 'refused, and reset a moment later, while the rest of the flight is unread',
    servers: [{ mail: ['550 5.7.1 you are on our list', pause(100), RESET], extensions: WAYS.CHUNKING }],
    want: { exit: 69, results: ['failed 5.7.1 mail 550'], ended: [0] },
  },
];
