import { CLOSE, drip, HANG, inTurn, pause, RESET, raw } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { NOBODY } from '../support/fault-run.ts';

const GOOD = {};
const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1] } as const;
const LATER = { exit: 75, results: ['deferred 4.3.2 greeting 421'], ended: [0] } as const;
const PROTOCOL = { exit: 75, results: ['deferred 4.5.0 greeting'], ended: [0], unheard: [/./] } as const;
/** The first host fails in one way or another, the second is good. */
const SECOND = { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1] } as const;

/** The connection and the greeting. */
export const CONNECT_ROWS: readonly FaultRow[] = [
  {
    id: 'C01',
    what: 'nobody listens at the relay',
    servers: [NOBODY],
    want: { exit: 75, results: ['deferred 4.4.1 connect'], says: [/connection refused/] },
  },
  {
    id: 'C01',
    what: 'nobody listens on any address of any MX',
    via: 'mx',
    servers: [NOBODY, NOBODY],
    want: { exit: 75, results: ['deferred 4.4.1 connect'] },
  },
  {
    id: 'C02',
    what: 'the first MX refuses, the second one works',
    via: 'mx',
    servers: [NOBODY, GOOD],
    want: { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1] },
  },
  {
    id: 'C04',
    what: 'greet-hang at the relay',
    servers: [{ greeting: [HANG] }],
    timeouts: { greeting: '300ms' },
    want: { exit: 75, results: ['deferred 4.4.2 greeting'], connections: [1], unheard: [/./], within: 5000 },
  },
  {
    id: 'C04',
    what: 'greet-hang, then the next MX',
    via: 'mx',
    servers: [{ greeting: [HANG] }, GOOD],
    timeouts: { greeting: '300ms' },
    want: SECOND,
  },
  {
    id: 'C05',
    what: 'greet-drip: an octet again and again, and never a line',
    servers: [{ greeting: [drip('2', 20)] }],
    timeouts: { greeting: '400ms' },
    want: { exit: 75, results: ['deferred 4.4.2 greeting'], within: 5000 },
  },
  {
    id: 'C05',
    what: 'greet-drip: lines that never end the reply',
    servers: [{ greeting: [drip('220-more\r\n', 5)] }],
    timeouts: { greeting: '400ms' },
    want: { exit: 75, results: ['deferred 4.4.2 greeting'], within: 5000 },
  },
  {
    id: 'C06',
    what: 'greet-close, then the next MX',
    via: 'mx',
    servers: [{ greeting: [CLOSE] }, GOOD],
    want: SECOND,
  },
  {
    id: 'C06',
    what: 'greet-rst, then the next MX',
    via: 'mx',
    servers: [{ greeting: [RESET] }, GOOD],
    want: SECOND,
  },
  {
    id: 'C06',
    what: 'greet-close at the relay',
    servers: [{ greeting: [CLOSE] }],
    want: { exit: 75, results: ['deferred 4.4.2 greeting'] },
  },
  {
    id: 'C06',
    what: 'greet-rst at the relay',
    servers: [{ greeting: [RESET] }],
    // The reset may come before the connection is known to be there.
    want: { exit: 75, results: ['deferred'] },
  },
  {
    id: 'C07',
    what: 'greet-421 at the relay',
    servers: [{ greeting: ['421 4.3.2 too busy'] }],
    want: { ...LATER, heard: [/^QUIT$/], unheard: [/^EHLO/] },
  },
  {
    id: 'C07',
    what: 'greet-421 and gone, then the next MX',
    via: 'mx',
    servers: [{ greeting: ['421 too busy', CLOSE] }, GOOD],
    want: SECOND,
  },
  {
    id: 'C08',
    what: 'greet-554 is transient at the last host',
    servers: [{ greeting: ['554 5.3.2 no mail service here'] }],
    want: { exit: 75, results: ['deferred 4.3.2 greeting 554'], heard: [/^QUIT$/], unheard: [/^EHLO/] },
  },
  {
    id: 'C08',
    what: 'greet-554, then the next MX',
    via: 'mx',
    servers: [{ greeting: ['554 no mail service here'] }, GOOD],
    want: SECOND,
  },
  {
    id: 'C09',
    what: 'greet-multi',
    servers: [{ greeting: ['220-mx.test', '220-', pause(), '220 ESMTP'] }],
    want: { ...DELIVERED, connections: [1] },
  },
  {
    id: 'C10',
    what: 'greet-early-ehlo: the reply to EHLO with the greeting',
    servers: [{ greeting: ['220 mx.test', '250-mx.test', '250 PIPELINING'] }],
    want: { exit: 75, results: ['deferred 4.5.0 ehlo'], ended: [0], unheard: [/^MAIL/] },
  },
  {
    id: 'C10',
    what: 'greet-early-ehlo: another server is tried',
    via: 'mx',
    servers: [{ greeting: ['220 mx.test', '250 mx.test'] }, GOOD],
    want: SECOND,
  },
  {
    id: 'C11',
    what: 'greet-garbage: a web server',
    servers: [{ greeting: [raw('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'), CLOSE] }],
    want: PROTOCOL,
  },
  {
    id: 'C11',
    what: 'greet-garbage: SSH, with control characters',
    servers: [{ greeting: ['SSH-2.0-\x1b[31mOpenSSH\x07\x9b0m'] }],
    want: { ...PROTOCOL, says: [/SSH-2\.0-/] },
  },
  {
    id: 'C11',
    what: 'greet-tls-alert: the port speaks TLS',
    servers: [{ greeting: [raw('\x15\x03\x01\x00\x02\x02\x0a\n'), CLOSE] }],
    want: PROTOCOL,
  },
  {
    id: 'C11',
    what: 'greet-tls-alert: cut short',
    servers: [{ greeting: [raw('\x16\x03\x01\x00'), CLOSE] }],
    want: { exit: 75, results: ['deferred 4.4.2 greeting'], unheard: [/./] },
  },
  {
    id: 'C12',
    what: 'greetings without a text, and without a CR',
    servers: [{ greeting: inTurn([raw('220\r\n')]), ehlo: [raw('250\n')], mail: [raw('250\n')] }],
    want: DELIVERED,
  },
  ...['2200 mx.test', '22 mx.test', '220x mx.test', ' 220 mx.test', ''].map(
    (greeting): FaultRow => ({
      id: 'C13',
      what: `no reply at all: ${JSON.stringify(greeting)}`,
      servers: [{ greeting: [greeting] }],
      want: PROTOCOL,
    }),
  ),
];
