import { CLOSE, HANG, pause, RESET, USUAL } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { TWO, WAYS, ways } from './ways.ts';

export const YES = 'delivered 2.0.0 250';
export const DELIVERED = { exit: 0, results: [YES], ended: [1] } as const;
export const UNKNOWN = 'deferred 4.4.2 dot uncertain';
const ONE_BY_ONE = WAYS['one by one'];
const PIPELINING = WAYS.PIPELINING;
/** More than is read ahead on either side of a connection on loopback. */
export const LARGE = `Subject: large\n\n${`${'0123456789'.repeat(6)}\n`.repeat(150_000)}The end.\n`;

/** The message and what follows it. */
export const MESSAGE_ROWS: readonly FaultRow[] = [
  ...[ONE_BY_ONE, PIPELINING].flatMap((extensions): FaultRow[] => [
    {
      id: 'D09',
      what: `data-451, ${extensions.join(' ')}`,
      servers: [{ data: ['451 4.3.0 later'], extensions }],
      want: { exit: 75, results: ['deferred 4.3.0 data 451'], ended: [0] },
    },
    {
      id: 'D09',
      what: `data-554, ${extensions.join(' ')}`,
      servers: [{ data: ['554 5.6.0 no'], extensions }],
      recipients: TWO,
      want: { exit: 65, results: ['failed 5.6.0 data 554', 'failed 5.6.0 data 554'], ended: [0] },
    },
    {
      id: 'D09',
      what: `data-421, ${extensions.join(' ')}`,
      servers: [{ data: ['421 4.3.2 going down', CLOSE], extensions }],
      want: { exit: 75, results: ['deferred 4.3.2 data 421'], ended: [0] },
    },
    {
      id: 'D09',
      what: `data-close, ${extensions.join(' ')}`,
      servers: [{ data: [CLOSE], extensions }],
      want: { exit: 75, results: ['deferred 4.4.2 data'], ended: [0] },
    },
    {
      id: 'D09',
      what: `data-hang, ${extensions.join(' ')}`,
      servers: [{ data: [HANG], extensions }],
      timeouts: { data: '300ms' },
      want: { exit: 75, results: ['deferred 4.4.2 data'], ended: [0], within: 5000 },
    },
    {
      id: 'D10',
      what: `data-250, ${extensions.join(' ')}`,
      servers: [{ data: ['250 ok'], extensions }],
      want: { exit: 75, results: ['deferred 4.5.0'], ended: [0], unheard: [/^The end/] },
    },
    {
      id: 'D11',
      what: `data-354-250, ${extensions.join(' ')}`,
      servers: [{ data: ['354 go', '250 2.0.0 ok'], extensions }],
      want: { exit: 75, results: ['deferred 4.5.0'], ended: [0] },
    },
  ]),
  {
    id: 'D11',
    what: 'data-354-250, a moment later and in a large message',
    servers: [{ data: ['354 go', pause(30), '250 2.0.0 ok'], extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 75, results: ['deferred 4.5.0'], ended: [0] },
  },
  {
    id: 'D11',
    what: 'data-354-550: an early refusal is one',
    servers: [{ data: ['354 go', pause(30), '550 5.7.1 no', CLOSE], extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 69, results: ['failed 5.7.1'], ended: [0] },
  },
  {
    id: 'D12',
    what: 'data-mid-552, then closed',
    servers: [{ middle: ['552 5.3.4 too large', CLOSE], middleAfter: 1000, extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 65, results: ['failed 5.3.4'], ended: [0] },
  },
  {
    id: 'D12',
    what: 'data-mid-554, then reset while we write',
    servers: [{ middle: ['554 5.7.1 spam', pause(100), RESET], middleAfter: 1000, extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 69, results: ['failed 5.7.1'], ended: [0] },
  },
  {
    id: 'D12',
    what: 'data-mid-552, and no more is read',
    servers: [{ middle: ['552 5.3.4 too large', HANG], middleAfter: 1000, extensions: PIPELINING }],
    message: LARGE,
    timeouts: { body: '1s' },
    want: { exit: 65, results: ['failed 5.3.4'], ended: [0], within: 9000 },
  },
  {
    id: 'D12',
    what: 'data-mid-421, then closed',
    servers: [{ middle: ['421 4.3.2 going down', CLOSE], middleAfter: 1000, extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 75, results: ['deferred 4.3.2'], ended: [0] },
  },
  {
    id: 'D14',
    what: 'data-mid-rst',
    servers: [{ middle: [RESET], middleAfter: 100_000, extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 75, results: ['deferred 4.4.2'], ended: [0] },
  },
  {
    id: 'D14',
    what: 'data-mid-close',
    servers: [{ middle: [CLOSE], middleAfter: 100_000, extensions: PIPELINING }],
    message: LARGE,
    want: { exit: 75, results: ['deferred 4.4.2'], ended: [0] },
  },
  {
    id: 'D14',
    what: 'data-mid-hang: nobody reads',
    servers: [{ middle: [HANG], middleAfter: 1000, extensions: PIPELINING }],
    message: LARGE,
    // The limit holds for each 256 KiB that are on their way.
    timeouts: { body: '100ms', dot: '300ms' },
    want: { exit: 75, results: ['deferred 4.4.2'], ended: [0], within: 9000 },
  },
  ...ways.flatMap(({ way, extensions }): FaultRow[] => [
    {
      id: 'D15',
      what: `dot-close: the message may have been delivered, ${way}`,
      servers: [{ dot: [CLOSE], bdat: [CLOSE], extensions }],
      want: { exit: 75, results: [UNKNOWN], ended: [1], says: [/may have been delivered/] },
    },
    {
      id: 'D15',
      what: `dot-rst, ${way}`,
      servers: [{ dot: [RESET], bdat: [RESET], extensions }],
      want: { exit: 75, results: [UNKNOWN], ended: [1] },
    },
    {
      id: 'D15',
      what: `dot-hang, ${way}`,
      servers: [{ dot: [HANG], bdat: [HANG], extensions }],
      timeouts: { dot: '300ms' },
      want: { exit: 75, results: [UNKNOWN], ended: [1], within: 5000 },
    },
    {
      id: 'D15',
      what: `dot-close: no other MX is asked, as that would be the surest way to deliver twice, ${way}`,
      via: 'mx',
      servers: [{ dot: [CLOSE], bdat: [CLOSE], extensions }, {}],
      want: { exit: 75, results: [UNKNOWN], ended: [1, 0], connections: [1, 0] },
    },
    {
      id: 'D16',
      what: `dot-slow: longer than any other reply may take, ${way}`,
      servers: [{ dot: [pause(2500), USUAL], bdat: [pause(2500), USUAL], extensions }],
      timeouts: { mail: '2s', rcpt: '2s', data: '2s', body: '2s' },
      want: DELIVERED,
    },
    {
      id: 'D17',
      what: `dot-250-rst, ${way}`,
      servers: [{ dot: ['250 2.0.0 ok', RESET], bdat: ['250 2.0.0 ok', RESET], extensions }],
      want: DELIVERED,
    },
    {
      id: 'D17',
      what: `dot-250-close, ${way}`,
      servers: [{ dot: ['250 2.0.0 ok', CLOSE], bdat: ['250 2.0.0 ok', CLOSE], extensions }],
      want: DELIVERED,
    },
    ...(
      [
        ['451 4.3.0 later', 75, 'deferred 4.3.0 dot 451'],
        ['550 5.7.1 spam', 69, 'failed 5.7.1 dot 550'],
        ['552 too large', 65, 'failed 5.3.4 dot 552'],
        ['554 5.6.0 bad', 65, 'failed 5.6.0 dot 554'],
      ] as const
    ).map(
      ([reply, exit, result]): FaultRow => ({
        id: 'D18',
        what: `dot-${reply}, ${way}`,
        servers: [{ dot: [reply], bdat: [reply], extensions }],
        recipients: TWO,
        want: { exit, results: [result, result] },
      }),
    ),
    {
      id: 'D18',
      what: `dot-451 at one MX, then the next one, ${way}`,
      via: 'mx',
      servers: [{ dot: ['451 4.3.0 later'], bdat: ['451 4.3.0 later'], extensions }, { extensions }],
      want: { exit: 0, results: [YES], ended: [1, 1] },
    },
  ]),
];
