import type { FaultRow, Want } from '../support/fault-rows.ts';
import { BAD, given, many, YES } from './input-rows.ts';

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

/** What a message's header holds, or does not. */
export const HEADER_ROWS: readonly FaultRow[] = [
  header('I04', 'a folded list is one list', 'To: ann@dest.test\n ,bob@dest.test', {
    recipients: ['ann@dest.test', 'bob@dest.test'],
  }),
  header('I04', 'a blank before the colon', 'To : ann@dest.test', { recipients: ['ann@dest.test'] }),
  header('I04', 'a line without a colon ends the header', 'To: ann@dest.test\nno field\nBcc: evil@dest.test', {
    recipients: ['ann@dest.test'],
    body: [/\r\n\r\nno field\r\nBcc: evil@dest\.test\r\n/],
  }),
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
  header('I13', '-t without To, Cc and Bcc', 'X-To: ann@dest.test', { exit: 64, results: [], recipients: [] }),
  header('I14', 'Bcc never travels', 'To: a@dest.test\nBcc: b@dest.test,\n c@dest.test\nBcc:\nbcc: d@dest.test', {
    recipients: ['a@dest.test', 'b@dest.test', 'c@dest.test', 'd@dest.test'],
    notInBody: [/^bcc/im, /[bcd]@dest/],
  }),
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
];
