import { type Act, type Behaviour, CLOSE, drip, HANG, RESET, raw, swallow, TLS } from '../support/fault-acts.ts';
import type { FaultRow, Want } from '../support/fault-rows.ts';

const ENCRYPT = ['--tls', 'encrypt'] as const;
const VERIFY = ['--tls', 'verify'] as const;
const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'] } as const;
const NOTHING_IN_CLEAR = { ended: [0], unheard: [/^MAIL/, /^AUTH/] } as const;
const UNTRUSTED = { exit: 75, results: ['deferred 4.7.5 tls'], ...NOTHING_IN_CLEAR } as const;

interface Handshake {
  readonly id: string;
  readonly what: string;
  readonly acts: readonly Act[];
  readonly timeouts?: FaultRow['timeouts'];
  /** How it is deferred where TLS must be. */
  readonly result: string;
  /** Connections that it takes where it may be left out. */
  readonly connections: number;
}

/** STARTTLS goes wrong: nothing is sent where TLS must be, all in the clear where it may be left out. */
const startTls = ({ id, what, acts, timeouts = {}, result, connections }: Handshake): readonly FaultRow[] => {
  const row = { id, servers: [{ tls: 'good', starttls: acts } satisfies Behaviour], timeouts };
  const most = { within: 9000 };
  return [
    {
      ...row,
      what: `${what}, TLS required`,
      words: ENCRYPT,
      want: { exit: 75, results: [result], connections: [1], ...NOTHING_IN_CLEAR, ...most },
    },
    {
      ...row,
      what: `${what}, TLS optional`,
      want: { ...DELIVERED, ended: [1], connections: [connections], ...most },
    },
  ];
};

const refusal = (id: string, text: string): readonly FaultRow[] => {
  const result = text.startsWith('4') || text.startsWith('5') ? 'deferred 4.7.0 starttls' : 'deferred 4.5.0 starttls';
  return startTls({ id, what: `tls-${text}`, acts: [text], result, connections: 1 });
};

const FORGED = '250-mx.test\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n';
const QUICK = { tls: '400ms' } as const;
const TLS_FAILED = { result: 'deferred 4.7.5 tls', connections: 2 } as const;
const TLS_LOST = { result: 'deferred 4.4.2 tls', connections: 2 } as const;

/** A certificate, and what is to come of it by the level that was asked for. */
const certificate = (
  id: string,
  tls: NonNullable<Behaviour['tls']>,
  wants: Readonly<Record<string, Want>>,
): FaultRow[] =>
  Object.entries(wants).map(([level, want]) => ({
    id,
    what: `certificate: ${tls}, level ${level}`,
    via: 'mx',
    servers: [{ tls }],
    words: ['--tls', level],
    want,
  }));

const IN_TLS = { ...DELIVERED, ended: [1], connections: [1] } as const;

/** STARTTLS, certificates, and what lies inside of TLS. */
export const TLS_ROWS: readonly FaultRow[] = [
  ...[ENCRYPT, VERIFY].map(
    (words): FaultRow => ({
      id: 'T01',
      what: `STARTTLS is not offered, ${words.join(' ')}`,
      servers: [{}],
      words,
      want: { exit: 75, results: ['deferred 4.7.4 starttls'], ...NOTHING_IN_CLEAR },
    }),
  ),
  ...['smtp://user@', 'smtp+starttls://user@'].map(
    (via): FaultRow => ({
      id: 'T01',
      what: `STARTTLS is not offered by a relay with a log-in, ${via}`,
      via,
      servers: [{ extensions: ['AUTH PLAIN'] }],
      want: { exit: 75, results: ['deferred 4.7.4 starttls'], ...NOTHING_IN_CLEAR },
    }),
  ),
  ...refusal('T02', '502 5.5.1 not here'),
  ...refusal('T03', '454 4.7.0 not now'),
  ...['354 go on', '250 ok', '235 fine'].flatMap((text) => refusal('T04', text)),
  ...startTls({
    id: 'T05',
    what: 'tls-220-garbage',
    acts: ['220 go', swallow(1), raw('250 this is no handshake\r\n')],
    ...TLS_FAILED,
  }),
  ...startTls({ id: 'T05', what: 'tls-220-close', acts: ['220 go', CLOSE], ...TLS_LOST }),
  ...startTls({ id: 'T05', what: 'tls-220-rst', acts: ['220 go', swallow(1), RESET], ...TLS_LOST }),
  ...startTls({ id: 'T05', what: 'tls-220-hang', acts: ['220 go', HANG], timeouts: QUICK, ...TLS_LOST }),
  ...startTls({
    id: 'T05',
    what: 'tls-220-drip',
    acts: ['220 go', swallow(1), drip('\x16\x03\x03\x0f\xff', 30)],
    timeouts: QUICK,
    ...TLS_LOST,
  }),
  {
    id: 'T06',
    what: 'a greeting and a reply to EHLO that pretend a log-in was done',
    via: 'smtp://user@',
    servers: [{ greeting: ['220 already authenticated as root'], ehlo: ['235 2.7.0 authenticated'] }],
    want: { exit: 75, results: ['deferred'], ...NOTHING_IN_CLEAR },
  },
  ...startTls({
    id: 'T07',
    what: 'tls-inject: a forged reply in the segment of the 220',
    acts: [raw(`220 go\r\n${FORGED}`), TLS],
    result: 'deferred 4.5.0 tls',
    connections: 2,
  }),
  {
    id: 'T07',
    what: 'tls-inject: no password for a forged AUTH',
    via: 'smtp://user@',
    servers: [{ tls: 'good', extensions: [], starttls: [raw(`220 go\r\n${FORGED}`), TLS] }],
    want: { exit: 75, results: ['deferred 4.5.0 tls'], ...NOTHING_IN_CLEAR },
  },
  {
    id: 'T07',
    what: 'what was offered in the clear is forgotten inside of TLS',
    via: 'smtp://user@',
    servers: [{ tls: 'good', extensions: ['AUTH PLAIN'], ehloAgain: ['250 mx.test'] }],
    want: { exit: 77, results: ['failed 5.7.4 auth'], ...NOTHING_IN_CLEAR },
  },
  {
    id: 'T09',
    what: 'tls-again: STARTTLS is offered inside of TLS',
    servers: [{ tls: 'good', extensions: ['STARTTLS', 'PIPELINING'] }],
    words: ENCRYPT,
    want: IN_TLS,
  },
  ...certificate('T10', 'wrong-name', { may: IN_TLS, encrypt: IN_TLS, verify: UNTRUSTED }),
  ...certificate('T10', 'self-signed', { may: IN_TLS, encrypt: IN_TLS, verify: UNTRUSTED }),
  ...certificate('T10', 'expired', { may: IN_TLS, encrypt: IN_TLS, verify: UNTRUSTED }),
  ...certificate('T10', 'good', { may: IN_TLS, encrypt: IN_TLS, verify: IN_TLS }),
  {
    id: 'T10',
    what: 'a wrong name at the first MX, then the next one',
    via: 'mx',
    servers: [{ tls: 'wrong-name' }, { tls: 'good' }],
    words: VERIFY,
    want: { ...DELIVERED, ended: [0, 1] },
  },
  {
    id: 'T10',
    what: 'a wrong name behind smtps://',
    via: 'smtps://',
    servers: [{ tls: 'wrong-name', implicitTls: true }],
    want: UNTRUSTED,
  },
  {
    id: 'T12',
    what: 'another fingerprint than that of a good certificate',
    servers: [{ tls: 'good' }],
    words: (has) => ['--tls-fingerprint', has.expired.fingerprint],
    want: UNTRUSTED,
  },
  {
    id: 'T12',
    what: 'the fingerprint of a certificate that nothing else speaks for',
    servers: [{ tls: 'self-signed' }],
    words: (has) => ['--tls-fingerprint', has['self-signed'].fingerprint],
    want: IN_TLS,
  },
  {
    id: 'T12',
    what: 'a fingerprint, and STARTTLS is not offered',
    servers: [{}],
    words: (has) => ['--tls-fingerprint', has.good.fingerprint],
    want: { exit: 75, results: ['deferred 4.7.4 starttls'], ...NOTHING_IN_CLEAR },
  },
  ...certificate('T13', 'asks-for-certificate', { verify: IN_TLS }),
  ...certificate('T14', 'old-version', { may: { ...IN_TLS, connections: [2] }, encrypt: UNTRUSTED }),
  {
    id: 'T16',
    what: 'no answer inside of TLS',
    servers: [{ tls: 'good', ehloAgain: [HANG] }],
    timeouts: { ehlo: '700ms' },
    want: { exit: 75, results: ['deferred 4.4.2 ehlo'], within: 9000, ...NOTHING_IN_CLEAR },
  },
  {
    id: 'T16',
    what: 'a reply inside of TLS that never ends',
    servers: [{ tls: 'good', ehloAgain: [drip('250-more\r\n', 5)] }],
    timeouts: { ehlo: '700ms' },
    want: { exit: 75, results: ['deferred 4.4.2 ehlo'], within: 9000, ...NOTHING_IN_CLEAR },
  },
  {
    id: 'T16',
    what: 'a port that speaks no TLS behind smtps://',
    via: 'smtps://',
    servers: [{ greeting: ['220 mx.test', HANG] }],
    timeouts: QUICK,
    want: { exit: 75, results: ['deferred 4.7.5 tls'], within: 9000 },
  },
  {
    id: 'T27',
    what: 'REQUIRETLS is not offered',
    servers: [{ tls: 'good' }],
    words: ['--require-tls'],
    want: { exit: 69, results: ['failed 5.7.30 mail'], ...NOTHING_IN_CLEAR },
  },
  {
    id: 'T27',
    what: 'REQUIRETLS is offered',
    servers: [{ tls: 'good', extensions: ['REQUIRETLS'] }],
    words: ['--require-tls'],
    want: { ...IN_TLS, heard: [/^MAIL .* REQUIRETLS$/] },
  },
  {
    id: 'T27',
    what: 'REQUIRETLS, and the certificate is for another name',
    servers: [{ tls: 'wrong-name', extensions: ['REQUIRETLS'] }],
    words: ['--require-tls'],
    want: UNTRUSTED,
  },
  {
    id: 'T27',
    what: 'REQUIRETLS, and the MX was not found by DNSSEC',
    via: 'mx',
    servers: [{ tls: 'good', extensions: ['REQUIRETLS'] }],
    words: ['--require-tls'],
    want: { exit: 69, results: ['failed 5.7.30 resolve'], connections: [0] },
  },
];
