import { CLOSE, type Point, raw } from '../support/fault-acts.ts';
import type { FaultRow } from '../support/fault-rows.ts';
import { TWO, WAYS, ways } from './ways.ts';

const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1] } as const;
const PROTOCOL = { exit: 75, results: ['deferred 4.5.0'] } as const;

/** A reply that is none, at every point at which it could be believed. */
const nonsense = (id: string, name: string, texts: readonly string[]): readonly FaultRow[] =>
  (['ehlo', 'mail', 'rcpt', 'data', 'dot'] as const).flatMap((point) =>
    texts.map((text) => ({
      id,
      what: `${name} at ${point}: ${JSON.stringify(text)}`,
      servers: [{ [point]: [raw(text)], extensions: WAYS['one by one'] }],
      // The server may mean yes, but nobody can know.
      want: {
        ...PROTOCOL,
        duplicate: point === 'dot' && /^2/m.test(text) && !text.includes('500') ? ['ann@dest.test'] : [],
      },
    })),
  );

const half = (point: Point, text: string): FaultRow => ({
  id: 'R05',
  what: `${point}-partial: ${JSON.stringify(text)}, then closed`,
  servers: [{ [point]: [raw(text), CLOSE], extensions: WAYS['one by one'] }],
  want: { exit: 75, results: [point === 'dot' ? 'deferred 4.4.2 dot uncertain' : `deferred 4.4.2 ${point}`] },
});

/** Replies that do not have the form of one, or a code that can't be. */
export const REPLY_ROWS: readonly FaultRow[] = [
  ...nonsense('R03', 'reply-mixed-codes', ['250-fine\r\n500 not at all\r\n', '550-no\r\n250 yes\r\n']),
  {
    id: 'R03',
    what: 'the last code of a reply says that all is well',
    servers: [{ dot: ['451-later', '250 ok'] }],
    want: { ...PROTOCOL, duplicate: ['ann@dest.test'] },
  },
  {
    id: 'R04',
    what: 'dot-250-cont-eof: the last line of the reply is missing',
    servers: [{ dot: ['250-ok', CLOSE] }],
    want: { exit: 75, results: ['deferred 4.4.2 dot uncertain'] },
  },
  {
    id: 'R04',
    what: 'rcpt-550-cont-eof is no refusal',
    servers: [{ rcpt: ['550-5.1.1 no such', CLOSE] }],
    want: { exit: 75, results: ['deferred 4.4.2 rcpt'] },
  },
  half('mail', '25'),
  half('rcpt', '550 5.1.1 no such user'),
  half('data', '354'),
  half('dot', '25'),
  half('dot', '250'),
  half('dot', '250 2.0.0 o'),
  half('dot', '250 2.0.0 ok\r'),
  ...ways.map(({ way, extensions }) => ({
    id: 'R06',
    what: `an octet at a time, ${way}`,
    servers: [{ cut: true as const, extensions }],
    want: DELIVERED,
  })),
  {
    id: 'R06',
    what: 'all replies to a flight in one segment',
    servers: [{ extensions: WAYS.PIPELINING, gathers: true }],
    recipients: TWO,
    want: { exit: 0, results: ['delivered 2.0.0 250', 'delivered 2.0.0 250'], ended: [1] },
  },
  ...nonsense('R08', 'a first digit that is none', ['650 what\r\n', '150 wait\r\n']),
  ...['mail', 'rcpt', 'ehlo'].map((point) => ({
    id: 'R09',
    what: `reply-3xx-${point}`,
    servers: [{ [point]: ['354 go on'], extensions: WAYS['one by one'] }],
    want: { exit: 75, results: [`deferred 4.5.0 ${point} 354`], ended: [0] },
  })),
  ...ways.map(({ way, extensions }) => ({
    id: 'R09',
    what: `dot-354, ${way}`,
    servers: [{ dot: ['354 go on'], bdat: ['354 go on'], extensions }],
    want: { exit: 75, results: ['deferred 4.5.0 dot 354'] },
  })),
  ...(['mail', 'rcpt', 'dot'] as const).map((point) => ({
    id: 'R10',
    what: `299 to ${point} is as good as 250`,
    servers: [{ [point]: ['299 fine'] }],
    want: { exit: 0, results: ['delivered 2.0.0'], ended: [1] },
  })),
  {
    id: 'R10',
    what: '433 to RCPT is transient',
    servers: [{ rcpt: ['433 what is this'] }],
    want: { exit: 75, results: ['deferred 4.0.0 rcpt 433'] },
  },
  {
    id: 'R10',
    what: '577 to RCPT is permanent',
    servers: [{ rcpt: ['577 what is this'] }],
    want: { exit: 69, results: ['failed 5.0.0 rcpt 577'] },
  },
];
