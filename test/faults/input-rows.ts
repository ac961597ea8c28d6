import type { FaultRow, Want } from '../support/fault-rows.ts';

export const YES = 'delivered 2.0.0 250';
export const BAD = 'failed 5.1.3';
const UNSENT = { connections: [0] } as const;

export const given = (id: string, what: string, row: Partial<FaultRow>, want: Want): FaultRow => ({
  id,
  what,
  servers: [{}],
  ...row,
  want,
});

const refused = (id: string, what: string, words: readonly string[], exit: number, says: RegExp): FaultRow =>
  given(id, what, { words }, { exit, results: [], says: [says], ...UNSENT });

const nobodyOf = (id: string, recipient: string): FaultRow =>
  given(
    id,
    `no recipient: ${JSON.stringify(recipient)}`,
    { recipients: [recipient] },
    {
      exit: 65,
      results: [BAD],
      ...UNSENT,
    },
  );

export const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `r${index}@dest.test`);

/** What a caller hands over: options and addresses. */
export const INPUT_ROWS: readonly FaultRow[] = [
  ...['\r', '\n', '\r\n'].flatMap((end): FaultRow[] => {
    const evil = `ann@dest.test${end}RCPT TO:<evil@evil.test>`;
    const name = JSON.stringify(end);
    return [
      given('I01', `${name} in a recipient`, { recipients: [evil] }, { exit: 64, results: [], ...UNSENT }),
      refused('I01', `${name} in -f`, ['-f', evil], 64, /CR, LF or NUL/),
      refused('I01', `${name} in -F`, ['-F', `Ann${end}Bcc: evil@evil.test`], 64, /CR, LF or NUL/),
      refused('I02', `${name} in -V`, ['-V', `id${end}x`], 64, /CR, LF or NUL/),
      given(
        'I02',
        `${name} in the configured hostname`,
        { config: [`hostname = ${JSON.stringify(`a.test${end}x`)}`] },
        {
          exit: 78,
          results: [],
          says: [/hostname/],
          ...UNSENT,
        },
      ),
      given(
        'I02',
        `${name} in the relay’s user`,
        { via: `smtp://us${encodeURIComponent(end)}er@` },
        {
          exit: 64,
          results: [],
          ...UNSENT,
        },
      ),
    ];
  }),
  given(
    'I01',
    'a bare CR in the header’s To',
    {
      words: ['-t'],
      recipients: [],
      message: 'To: ann@dest.test\rBcc: evil@evil.test\n\nThe end.\n',
    },
    { exit: 0, results: [YES, YES], notInBody: [/^Bcc/m] },
  ),
  given(
    'I03',
    'U+760D U+760A in a local part',
    {
      servers: [{ extensions: ['PIPELINING', 'SMTPUTF8', '8BITMIME'] }],
      recipients: ['ann\u760d\u760aRCPT@dest.test'],
    },
    {
      exit: 0,
      results: [YES],
      heard: [/^RCPT TO:<ann\u760d\u760aRCPT@dest\.test>$/],
      recipients: ['ann\u760d\u760aRCPT@dest.test'],
    },
  ),
  ...['ann\u2028@dest.test', 'ann\u0085@dest.test', 'ann@dest\u2028.test', 'ann@dest.test\u760d\u760a'].map(
    (recipient) =>
      given(
        'I03',
        `${JSON.stringify(recipient)} is no address`,
        { recipients: [recipient] },
        {
          exit: recipient.endsWith('\u760a') ? 0 : 65,
          results: [recipient.endsWith('\u760a') ? YES : BAD],
        },
      ),
  ),
  given(
    'I06',
    'a local part of 65 octets',
    { recipients: [`${'x'.repeat(65)}@dest.test`] },
    { exit: 0, results: [YES] },
  ),
  given(
    'I06',
    'a local part of 2,000 octets',
    { recipients: [`${'x'.repeat(2000)}@dest.test`] },
    {
      exit: 65,
      results: [BAD],
      ...UNSENT,
    },
  ),
  nobodyOf('I06', `ann@${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${'x'.repeat(60)}.${'y'.repeat(60)}`),
  nobodyOf('I06', `ann@${'x'.repeat(64)}.test`),
  given(
    'I10',
    '5,000 recipients as arguments',
    { recipients: many(5000) },
    {
      exit: 0,
      results: many(5000).map(() => YES),
      recipients: many(5000),
      within: 12_000,
    },
  ),
  given(
    'I11',
    'behind -- everything is an address',
    { recipients: ['-oQ/tmp@dest.test', '-bs@dest.test', '--help'] },
    {
      exit: 0,
      results: [YES, YES, YES],
      recipients: ['-oQ/tmp@dest.test', '-bs@dest.test', '--help@client.test'],
    },
  ),
  given('I13', 'no recipient', { recipients: [] }, { exit: 64, results: [], says: [/no recipient/], ...UNSENT }),
  given(
    'I15',
    '-t and arguments are added up',
    {
      words: ['-t'],
      message: 'To: bob@dest.test\n\nThe end.\n',
    },
    { exit: 0, results: [YES, YES], recipients: ['ann@dest.test', 'bob@dest.test'] },
  ),
  ...['@', 'a@', '@b', '', '<>', ' ', 'a b@c'].map((recipient) => nobodyOf('I25', recipient)),
  given(
    'I25',
    'a name without a domain',
    { recipients: ['root'] },
    {
      exit: 0,
      results: [YES],
      recipients: ['root@client.test'],
    },
  ),
  given('I25', '<> as the sender', { words: ['-f', '<>'] }, { exit: 0, results: [YES], heard: [/^MAIL FROM:<>/] }),
  given('I25', 'an empty sender', { words: ['-f', ''] }, { exit: 0, results: [YES], heard: [/^MAIL FROM:<>/] }),
  given(
    'A09',
    'a password in the relay’s URL',
    { via: 'smtp://user:Pass-w0rt^Geheim@' },
    { exit: 64, results: [], ...UNSENT },
  ),
];
