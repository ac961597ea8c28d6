import { CLOSE, HANG, inTurn, RESET } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';

const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1] } as const;
const ENCRYPT = ['--tls', 'encrypt'] as const;

/** EHLO and HELO. */
export const HELLO_ROWS: readonly FaultRow[] = [
  ...[500, 501, 502, 504, 550].map(
    (code): FaultRow => ({
      id: 'E01',
      what: `ehlo-${code}, and HELO is good`,
      servers: [{ ehlo: [`${code} what?`] }],
      want: { ...DELIVERED, connections: [1], heard: [/^HELO client\.test$/], unheard: [/SIZE=|BODY=/] },
    }),
  ),
  ...['encrypt', 'verify'].map(
    (level): FaultRow => ({
      id: 'E02',
      what: `ehlo-500-helo-ok where TLS must be: ${level}`,
      servers: [{ ehlo: ['500 what?'] }],
      words: ['--tls', level],
      want: { exit: 75, results: ['deferred 4.7.4 starttls 500'], unheard: [/^HELO/, /^MAIL/], ended: [0] },
    }),
  ),
  {
    id: 'E02',
    what: 'ehlo-close where TLS must be: no second connection for HELO',
    servers: [{ ehlo: [CLOSE] }],
    words: ENCRYPT,
    want: { exit: 75, results: ['deferred 4.4.2 ehlo'], connections: [1], unheard: [/^HELO/, /^MAIL/] },
  },
  {
    id: 'E03',
    what: 'ehlo-helo-both-5xx',
    servers: [{ ehlo: ['550 5.7.1 not you'], helo: ['550 5.7.1 not you'] }],
    want: { exit: 69, results: ['failed 5.7.1 ehlo 550'], ended: [0] },
  },
  {
    id: 'E03',
    what: 'ehlo-helo-both-5xx, then the next MX',
    via: 'mx',
    servers: [{ ehlo: ['550 not you'], helo: ['550 not you'] }, {}],
    want: { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1] },
  },
  {
    id: 'E03',
    what: 'ehlo-554 is no reason for HELO',
    servers: [{ ehlo: ['554 5.7.1 not you'] }],
    want: { exit: 69, results: ['failed 5.7.1 ehlo 554'], unheard: [/^HELO/] },
  },
  {
    id: 'E03',
    what: 'ehlo-421',
    servers: [{ ehlo: ['421 4.3.2 going down', CLOSE] }],
    want: { exit: 75, results: ['deferred 4.3.2 ehlo 421'], connections: [1], unheard: [/^HELO/] },
  },
  {
    id: 'E03',
    what: 'ehlo-451, then the next MX',
    via: 'mx',
    servers: [{ ehlo: ['451 4.3.0 later'] }, {}],
    want: { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1] },
  },
  {
    id: 'E03',
    what: 'ehlo-hang',
    servers: [{ ehlo: [HANG] }],
    timeouts: { ehlo: '300ms' },
    want: { exit: 75, results: ['deferred 4.4.2 ehlo'], connections: [1], within: 5000 },
  },
  {
    id: 'E04',
    what: 'ehlo-close: once more with HELO',
    servers: [{ ehlo: [CLOSE] }],
    want: { ...DELIVERED, connections: [2], heard: [/^HELO/] },
  },
  {
    id: 'E04',
    what: 'ehlo-close in the middle of the reply',
    servers: [{ ehlo: ['250-mx.test', CLOSE] }],
    want: { ...DELIVERED, connections: [2] },
  },
  {
    id: 'E04',
    what: 'ehlo-rst',
    servers: [{ ehlo: [RESET] }],
    want: { ...DELIVERED, connections: [2] },
  },
  {
    id: 'E04',
    what: 'closes on EHLO and on HELO: no third time',
    servers: [{ ehlo: [CLOSE], helo: [CLOSE] }],
    want: { exit: 75, results: ['deferred 4.4.2 ehlo'], connections: [2] },
  },
  {
    id: 'E06',
    what: 'SIZE is smaller than the message',
    servers: [{ extensions: ['SIZE 100'] }],
    want: { exit: 65, results: ['failed 5.3.4 mail'], ended: [0], unheard: [/^MAIL/, /^DATA/] },
  },
  {
    id: 'E06',
    what: 'SIZE is smaller than the message at one of two MX',
    via: 'mx',
    servers: [{ extensions: ['SIZE 100'] }, { extensions: ['SIZE'] }],
    want: { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1] },
  },
  ...['SIZE 99999999999999999999', 'SIZE -5', 'SIZE x', 'SIZE 0', 'SIZE'].map(
    (size): FaultRow => ({
      id: 'E06',
      what: `${size} limits nothing`,
      servers: [{ extensions: [size] }],
      want: DELIVERED,
    }),
  ),
  {
    id: 'E08',
    what: 'an address that is not ASCII, and no SMTPUTF8',
    servers: [{ extensions: ['8BITMIME'] }],
    recipients: ['bücher@dest.test', 'ann@dest.test'],
    want: { exit: 65, results: ['failed 5.6.7 mail', 'delivered 2.0.0 250'], ended: [1], unheard: [/\xfc|\xc3/] },
  },
  {
    id: 'E08',
    what: 'an address that is not ASCII, and SMTPUTF8 at the second MX',
    via: 'mx',
    servers: [{ extensions: ['8BITMIME'] }, { extensions: ['8BITMIME', 'SMTPUTF8'] }],
    recipients: ['bücher@dest.test'],
    want: { exit: 0, results: ['delivered 2.0.0 250'], ended: [0, 1], heard: [/^MAIL .*SMTPUTF8/] },
  },
  {
    id: 'E08',
    what: 'only the domain is not ASCII: its A-label goes',
    servers: [{}],
    recipients: ['ann@bücher.test'],
    want: { ...DELIVERED, heard: [/^RCPT TO:<ann@xn--bcher-kva\.test>$/], unheard: [/SMTPUTF8/] },
  },
  {
    id: 'E08',
    what: 'a header that is not ASCII needs no SMTPUTF8',
    servers: [{}],
    message: 'Subject: Bücher\n\nThe end.\n',
    want: { ...DELIVERED, unheard: [/SMTPUTF8/] },
  },
  {
    id: 'E10',
    what: 'a host name of one word is not given away',
    servers: [{}],
    config: ['domain = "client.test"'],
    want: {
      ...DELIVERED,
      heard: [/^EHLO (\[127\.0\.0\.1\]|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)$/],
      unheard: [/localhost/],
    },
  },
  {
    id: 'E10',
    what: 'an address literal is a name',
    servers: [{}],
    config: ['hostname = "[192.0.2.7]"', 'domain = "client.test"'],
    want: { ...DELIVERED, heard: [/^EHLO \[192\.0\.2\.7\]$/] },
  },
  {
    id: 'E10',
    what: 'a name with an umlaut is sent as its A-label',
    servers: [{ ehlo: inTurn(['500 what?']) }],
    config: ['hostname = "bücher.test"', 'domain = "client.test"'],
    want: { ...DELIVERED, heard: [/^EHLO xn--bcher-kva\.test$/, /^HELO xn--bcher-kva\.test$/] },
  },
];
