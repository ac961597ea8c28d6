import { CLOSE, HANG, inTurn, RESET, USUAL } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { DELIVERED, LARGE, UNKNOWN, YES } from './message-rows.ts';
import { TWO, WAYS, ways } from './ways.ts';

const THOUSAND = `Subject: small\n\n${`${'0123456789'.repeat(6)}\n`.repeat(100)}The end.\n`;

/** LMTP, BDAT and QUIT. */
export const END_ROWS: readonly FaultRow[] = [
  {
    id: 'D19',
    what: 'LMTP: a reply for each recipient',
    via: 'lmtp://',
    servers: [{ dot: ['250 2.0.0 ok', '452 4.2.2 full', '550 5.2.1 off'] }],
    recipients: [...TWO, 'cid@dest.test'],
    want: { exit: 69, results: [YES, 'deferred 4.2.2 dot 452', 'failed 5.2.1 dot 550'], ended: [1] },
  },
  {
    id: 'D19',
    what: 'LMTP: refused recipients get no reply',
    via: 'lmtp://',
    servers: [{ rcpt: inTurn(['550 5.1.1 no such user'], [USUAL]), dot: ['451 4.3.0 later'] }],
    recipients: TWO,
    want: { exit: 67, results: ['failed 5.1.1 rcpt 550', 'deferred 4.3.0 dot 451'], ended: [1] },
  },
  {
    id: 'D19',
    what: 'LMTP: closed behind the first of two replies',
    via: 'lmtp://',
    servers: [{ dot: ['250 2.0.0 ok', CLOSE] }],
    recipients: TWO,
    want: { exit: 75, results: [YES, UNKNOWN], ended: [1] },
  },
  {
    id: 'D19',
    what: 'LMTP: the second reply does not come',
    via: 'lmtp://',
    servers: [{ dot: ['250 2.0.0 ok', HANG] }],
    recipients: TWO,
    timeouts: { dot: '300ms' },
    want: { exit: 75, results: [YES, UNKNOWN], ended: [1], within: 5000 },
  },
  {
    id: 'D19',
    what: 'LMTP: a reply to QUIT is no reply about a recipient',
    via: 'lmtp://',
    servers: [{ dot: ['250 2.0.0 ok'] }],
    recipients: TWO,
    timeouts: { dot: '400ms' },
    want: { exit: 75, results: [YES, 'deferred 4.5.0 dot 221 uncertain'], ended: [1] },
  },
  ...ways.map(
    ({ way, extensions }): FaultRow => ({
      id: 'Q01',
      what: `the reply to QUIT is no reply to the message, ${way}`,
      servers: [{ dot: [], bdat: [], extensions }],
      timeouts: { dot: '400ms' },
      want: { exit: 75, results: ['deferred'], within: 5000 },
    }),
  ),
  {
    id: 'D20',
    what: 'PRDR is offered, and is not asked for',
    servers: [{ extensions: ['PIPELINING', 'PRDR'] }],
    recipients: TWO,
    want: { exit: 0, results: [YES, YES], ended: [1], unheard: [/PRDR/] },
  },
  {
    id: 'D21',
    what: 'BDAT is refused',
    servers: [{ bdat: ['554 5.7.1 no'], extensions: WAYS.CHUNKING }],
    recipients: TWO,
    want: { exit: 69, results: ['failed 5.7.1 dot 554', 'failed 5.7.1 dot 554'] },
  },
  {
    id: 'D21',
    what: 'BDAT is not known after all',
    servers: [{ bdat: ['500 5.5.1 what?'], extensions: WAYS.CHUNKING }],
    want: { exit: 76, results: ['failed 5.5.1 dot 500'] },
  },
  {
    id: 'D21',
    what: 'closed in the middle of the chunk',
    servers: [{ middle: [CLOSE], middleAfter: 100, extensions: WAYS.CHUNKING }],
    message: THOUSAND,
    want: { exit: 75, results: ['deferred 4.4.2'], ended: [0] },
  },
  {
    id: 'D21',
    what: 'all recipients are refused, and BDAT is accepted',
    servers: [{ rcpt: ['550 5.1.1 no such user'], bdat: ['250 2.0.0 ok'], extensions: WAYS.CHUNKING }],
    recipients: TWO,
    want: { exit: 67, results: ['failed 5.1.1 rcpt 550', 'failed 5.1.1 rcpt 550'], ended: [0] },
  },
  {
    id: 'D21',
    what: 'a large message goes by DATA',
    servers: [{ extensions: WAYS.CHUNKING }],
    message: LARGE,
    want: { ...DELIVERED, heard: [/^DATA$/], unheard: [/^BDAT/] },
  },
  ...ways.flatMap(({ way, extensions }) =>
    (
      [
        ['quit-hang', [HANG]],
        ['quit-close', [CLOSE]],
        ['quit-rst', [RESET]],
        ['quit-500', ['500 what?']],
        ['quit-421', ['421 4.3.2 going down', CLOSE]],
      ] as const
    ).map(
      ([what, quit]): FaultRow => ({
        id: 'Q01',
        what: `${what}, ${way}`,
        servers: [{ quit, extensions }],
        timeouts: { quit: '300ms' },
        want: { ...DELIVERED, within: 4000 },
      }),
    ),
  ),
];
