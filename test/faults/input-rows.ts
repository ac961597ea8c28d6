import type { FaultRow, Want } from '../support/fault-rows.ts';

const YES = 'delivered 2.0.0 250';
const BAD = 'failed 5.1.3';
const UNSENT = { connections: [0] } as const;

const given = (id: string, what: string, row: Partial<FaultRow>, want: Want): FaultRow => ({
  id,
  what,
  servers: [{}],
  ...row,
  want,
});

/** Recipients in the header. */
const header = (id: string, what: string, fields: string, want: Partial<Want> & Pick<Want, 'recipients'>): FaultRow =>
  given(
    id,
    what,
    { words: ['-t'], recipients: [], message: `${fields}\nSubject: x\n\nThe end.\n` },
    {
      exit: 0,
      results: (want.recipients ?? []).map(() => YES),
      ...want,
    },
  );

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

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `r${index}@dest.test`);

/** What a caller hands over: options, addresses, the header. */
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
  header('I04', 'a folded list is one list', 'To: ann@dest.test\n ,bob@dest.test', {
    recipients: ['ann@dest.test', 'bob@dest.test'],
  }),
  header('I04', 'a blank before the colon', 'To : ann@dest.test', { recipients: ['ann@dest.test'] }),
  header('I04', 'a line without a colon ends the header', 'To: ann@dest.test\nno field\nBcc: evil@dest.test', {
    recipients: ['ann@dest.test'],
    body: [/\r\n\r\nno field\r\nBcc: evil@dest\.test\r\n/],
  }),
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
  header(
    'I09',
    'a route, a group, comments and blanks',
    'To: <@a.test,@b.test:c@dest.test>, g: d@dest.test, "E" <e@dest.test>;, (x(y)) f . g @ dest . test',
    {
      recipients: ['c@dest.test', 'd@dest.test', 'e@dest.test', 'f.g@dest.test'],
    },
  ),
  header('I09', 'an empty group beside an address', 'To: undisclosed-recipients:;\nCc: ann@dest.test', {
    recipients: ['ann@dest.test'],
  }),
  header('I09', 'nothing but an empty group', 'To: undisclosed-recipients:;', {
    exit: 64,
    results: [],
    recipients: [],
  }),
  header('I09', 'an encoded name with a comma', 'To: =?UTF-8?Q?Bee,_Ann?= <ann@dest.test>', {
    recipients: ['ann@dest.test'],
  }),
  header('I10', '100,000 open parentheses', `To: ${'('.repeat(100_000)}ann@dest.test`, {
    exit: 65,
    results: [BAD],
    recipients: [],
    within: 5000,
  }),
  header('I10', '50,000 groups', `To: ${'g:'.repeat(50_000)}ann@dest.test`, {
    exit: 65,
    results: [BAD],
    recipients: [],
    within: 5000,
  }),
  header('I10', 'an address of 1 MiB', `To: ${'x'.repeat(1 << 20)}@dest.test, ann@dest.test`, {
    exit: 65,
    results: [YES, BAD],
    recipients: ['ann@dest.test'],
    within: 5000,
  }),
  header('I10', '20,000 recipients in one To', `To: ${many(20_000).join(', ')}`, {
    recipients: many(20_000),
    within: 12_000,
  }),
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
  header('I13', '-t without To, Cc and Bcc', 'X-To: ann@dest.test', { exit: 64, results: [], recipients: [] }),
  header('I14', 'Bcc never travels', 'To: a@dest.test\nBcc: b@dest.test,\n c@dest.test\nBcc:\nbcc: d@dest.test', {
    recipients: ['a@dest.test', 'b@dest.test', 'c@dest.test', 'd@dest.test'],
    notInBody: [/^bcc/im, /[bcd]@dest/],
  }),
  given(
    'I15',
    '-t and arguments are added up',
    {
      words: ['-t'],
      message: 'To: bob@dest.test\n\nThe end.\n',
    },
    { exit: 0, results: [YES, YES], recipients: ['ann@dest.test', 'bob@dest.test'] },
  ),
  header('I16', 'Resent fields alone say who', 'Resent-To: r@dest.test\nResent-Bcc: s@dest.test\nTo: a@dest.test', {
    recipients: ['r@dest.test', 's@dest.test'],
    notInBody: [/^Resent-Bcc/m],
  }),
  ...(
    [
      ['From x Thu Jan 1 00:00:00 1970\nSubject: x\n\nThe end.\n', /^(?!From )/],
      ['\nThe end.\n', /\r\n\r\nThe end\.\r\n$/],
      ['no header at all\nThe end.\n', /\r\n\r\nno header at all\r\nThe end\.\r\n$/],
      ['Subject: x\nThe end.\n', /Subject: x\r\n(.+\r\n)*\r\nThe end\.\r\n$/],
    ] as const
  ).map(([message, body]) =>
    given(
      'I18',
      JSON.stringify(message),
      { message },
      { exit: 0, results: [YES], body: [body], notInBody: [/The end\.: /] },
    ),
  ),
  given(
    'I20',
    'Date, Message-ID and From are added once',
    { message: 'Subject: x\n\nThe end.\n' },
    {
      exit: 0,
      results: [YES],
      body: [/^Date: /m, /^Message-ID: </m, /^From: /m],
      notInBody: [/^Date: [\s\S]*^Date: /m, /^Message-ID[\s\S]*^Message-ID/im],
    },
  ),
  given(
    'I20',
    'what is there is left as it is',
    { message: 'date: whenever\nMESSAGE-ID: <x@y>\nfrom: z@y\n\nThe end.\n' },
    {
      exit: 0,
      results: [YES],
      body: [/^date: whenever\r\nMESSAGE-ID: <x@y>\r\nfrom: z@y\r\n/m],
      notInBody: [/^Date: /m, /^Message-ID: /m, /^From: /m],
    },
  ),
  given(
    'I23',
    'a header that is Latin-1',
    { message: Buffer.from('Subject: B\xfccher\n\nThe end.\n', 'latin1') },
    {
      exit: 0,
      results: [YES],
      body: [/^Subject: B\xfccher\r\n/m],
      unheard: [/SMTPUTF8/],
    },
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
