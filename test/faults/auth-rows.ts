import { type Act, type Behaviour, HEAR, raw } from '../support/fault-acts.ts';
import type { FaultRow, Want } from '../support/fault-rows.ts';

const DELIVERED = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1] } as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const NO_MAIL = { ended: [0], unheard: [/^MAIL/] } as const;

const login = (id: string, what: string, behaviour: Behaviour, want: Want): FaultRow => ({
  id,
  what,
  via: 'smtp://user@',
  servers: [{ tls: 'good', extensions: ['AUTH PLAIN'], ...behaviour }],
  want,
});

const refused = (text: string, exit: number, result: string): FaultRow =>
  login('A04', `${text} to AUTH`, { auth: [text] }, { exit, results: [result], ...NO_MAIL });

/** Every turn of the server is answered by the client or cancelled; a client that goes on for ever is cut off. */
const forEver: readonly Act[] = Array.from({ length: 40 }, () => ['334 ', HEAR] as const).flat();

/** The nonce of SCRAM's first message of the client, with ours behind it. */
const scramFirst = (heard: readonly string[]): string => {
  const first = Buffer.from(heard.at(-1)?.split(' ').at(-1) ?? '', 'base64').toString();
  const nonce = /r=([^,]*)/.exec(first)?.[1] ?? '';
  return `334 ${base64(`r=${nonce}more,s=${base64('salt')},i=4096`)}`;
};

/** Logging in. */
export const AUTH_ROWS: readonly FaultRow[] = [
  ...['none', 'may'].map(
    (level): FaultRow => ({
      id: 'A01',
      what: `AUTH is offered in the clear, level ${level}`,
      via: 'smtp://user@',
      servers: [{ extensions: ['AUTH PLAIN LOGIN'] }],
      words: ['--tls', level],
      want: { exit: 77, results: ['failed 5.7.11 auth'], ended: [0], unheard: [/^AUTH/, /^MAIL/] },
    }),
  ),
  {
    id: 'A02',
    what: 'an MX offers AUTH',
    via: 'mx',
    servers: [{ tls: 'good', extensions: ['AUTH PLAIN LOGIN'] }],
    want: { ...DELIVERED, unheard: [/^AUTH/] },
  },
  {
    id: 'A02',
    what: 'a relay without a user in its URL offers AUTH',
    servers: [{ tls: 'good', extensions: ['AUTH PLAIN LOGIN'] }],
    want: { ...DELIVERED, unheard: [/^AUTH/] },
  },
  ...(['wrong-name', 'self-signed', 'expired'] as const).map((tls) =>
    login(
      'A03',
      `certificate: ${tls}`,
      { tls },
      { exit: 75, results: ['deferred 4.7.5 tls'], ended: [0], unheard: [/^AUTH/, /^MAIL/] },
    ),
  ),
  refused('535 5.7.8 wrong password', 77, 'failed 5.7.8 auth 535'),
  refused('535 nothing more', 77, 'failed 5.7.8 auth 535'),
  refused('534 5.7.9 too weak', 77, 'failed 5.7.9 auth 534'),
  refused('538 5.7.11 encrypt', 77, 'failed 5.7.11 auth 538'),
  refused('530 5.7.0 first STARTTLS', 77, 'failed 5.7.0 auth 530'),
  refused('454 4.7.0 not now', 75, 'deferred 4.7.0 auth 454'),
  refused('432 4.7.12 another password', 75, 'deferred 4.7.12 auth 432'),
  refused('421 4.3.2 going down', 75, 'deferred 4.3.2 auth 421'),
  refused('250 what?', 75, 'deferred 4.5.0 auth 250'),
  {
    id: 'A04',
    what: '530 to MAIL: a login is needed',
    servers: [{ mail: ['530 5.7.0 log in first'] }],
    want: { exit: 77, results: ['failed 5.7.0 mail 530'], ended: [0] },
  },
  login(
    'A05',
    '334 that is not base64',
    { auth: ['334 !!not base64!!', HEAR, '501 cancelled'] },
    {
      exit: 75,
      results: ['deferred 4.5.0 auth'],
      heard: [/^\*$/],
      ...NO_MAIL,
    },
  ),
  login(
    'A05',
    '334 for ever',
    { auth: forEver },
    { exit: 75, results: ['deferred 4.5.0 auth'], heard: [/^\*$/], ...NO_MAIL },
  ),
  login(
    'A05',
    '334 for ever, LOGIN',
    { extensions: ['AUTH LOGIN'], auth: ['334 VXNlcm5hbWU6', HEAR, ...forEver] },
    {
      exit: 75,
      results: ['deferred 4.5.0 auth'],
      ...NO_MAIL,
    },
  ),
  login(
    'A05',
    '334 with 13,000 octets',
    { extensions: ['AUTH CRAM-MD5'], auth: [raw(`334 ${'QUFB'.repeat(3250)}\r\n`)] },
    {
      exit: 75,
      results: ['deferred 4.5.0 auth'],
      ...NO_MAIL,
    },
  ),
  login(
    'A05',
    '334 that never ends',
    { extensions: ['AUTH CRAM-MD5'], auth: [raw(`334 ${'QUFB'.repeat(50_000)}`)] },
    {
      exit: 75,
      results: ['deferred 4.5.0 auth'],
      ...NO_MAIL,
    },
  ),
  login(
    'A05',
    '235 before the password, LOGIN',
    { extensions: ['AUTH LOGIN'], auth: ['235 welcome'] },
    {
      exit: 77,
      results: ['failed 5.7.0 auth'],
      ...NO_MAIL,
    },
  ),
  login(
    'A06',
    'CRAM-MD5 alone',
    { extensions: ['AUTH CRAM-MD5'], auth: [`334 ${base64('<1.2@mx.test>')}`, HEAR, '235 ok'] },
    DELIVERED,
  ),
  login(
    'A06',
    'SCRAM: the server does not know the password',
    {
      extensions: ['AUTH PLAIN SCRAM-SHA-256'],
      auth: [scramFirst, HEAR, `334 ${base64(`v=${base64('x'.repeat(32))}`)}`, HEAR, '235 ok'],
    },
    { exit: 77, results: ['failed 5.7.0 auth'], unheard: [/^AUTH PLAIN/, /^MAIL/], ended: [0] },
  ),
  login(
    'A06',
    'SCRAM: the server says yes without a proof',
    {
      extensions: ['AUTH PLAIN SCRAM-SHA-256'],
      auth: [scramFirst, HEAR, '235 ok'],
    },
    { exit: 77, results: ['failed 5.7.0 auth'], unheard: [/^AUTH PLAIN/, /^MAIL/], ended: [0] },
  ),
  login(
    'A07',
    '60 strange mechanisms, some twice and in small letters',
    {
      extensions: [
        `AUTH ${Array.from({ length: 30 }, (_, index) => `X-STRANGE-${index}`).join(' ')}`,
        `AUTH=${Array.from({ length: 30 }, (_, index) => `\x01odd=${index}`).join(' ')} plain`,
        'auth plain Plain PLAIN',
      ],
    },
    { ...DELIVERED, heard: [/^AUTH PLAIN /] },
  ),
  login(
    'A08',
    'the server repeats what it was told',
    {
      auth: [(heard) => `535 5.7.8 no: ${heard.at(-1) ?? ''}`],
    },
    { exit: 77, results: ['failed 5.7.8 auth 535'], says: [/<secret>/], ...NO_MAIL },
  ),
  login(
    'A08',
    'the server repeats it in another command’s reply',
    {
      mail: [(heard) => `550 5.7.1 you said ${heard.find((line) => line.startsWith('AUTH')) ?? ''}`],
    },
    { exit: 69, results: ['failed 5.7.1 mail 550'] },
  ),
];
