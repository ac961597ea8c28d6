import type { FaultRow } from '../support/fault-rows.ts';
import { WAYS } from './ways.ts';

const YES = 'delivered 2.0.0 250';
/** A CR or an LF that is no line end of SMTP. */
const BARE = /\r(?!\n)|(?<!\r)\n/;

/** What some server takes for the end of a message. */
const ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\n',
  '\r\n.\r\n',
  '\r\n..\r\n',
  '\r\n\0.\r\n',
  '\r\r\n.\r\n',
];

const SECOND = 'MAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@dest.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n.\r\n';

const sent = (id: string, what: string, message: string | Buffer, more: Partial<FaultRow['want']> = {}): FaultRow => ({
  id,
  what,
  servers: [{ extensions: ['PIPELINING', '8BITMIME'] }],
  message,
  want: { exit: 0, results: [YES], ended: [1], notInBody: [BARE], ...more },
});

/** What the message holds. */
export const SMUGGLING_ROWS: readonly FaultRow[] = [
  ...ENDS.flatMap((end) =>
    (['PIPELINING', 'CHUNKING'] as const).map(
      (way): FaultRow => ({
        id: way === 'PIPELINING' ? 'D04' : 'D05',
        what: `a second message behind ${JSON.stringify(end)}, ${way}`,
        servers: [{ extensions: [...WAYS[way], '8BITMIME'] }],
        message: `Subject: one\r\n\r\nfirst${end}${SECOND}The end.\r\n`,
        want: {
          exit: 0,
          results: [YES],
          ended: [1],
          recipients: ['ann@dest.test'],
          unheard: [/evil/],
          body: [/MAIL FROM:<evil@evil\.test>/, /The end\.\r\n$/],
          notInBody: [BARE, ...(way === 'PIPELINING' ? [/\r\n\.\r\n/] : [])],
        },
      }),
    ),
  ),
  sent('D01', 'lines of dots', 'Subject: x\n\n.\n..\n. \n.a\nThe end.\n.', {
    body: [/\r\n\r\n\.\.\r\n\.\.\.\r\n\.\. \r\n\.\.a\r\nThe end\.\r\n\.\.\r\n$/],
  }),
  sent('D02', 'no line end at the end', 'Subject: x\n\nThe end.', { body: [/The end\.\r\n$/] }),
  sent('D02', 'no body', 'Subject: x\nX-Last: The end.\n', { body: [/^X-Last: The end\.\r\n/m] }),
  sent('D02', 'nothing at all', '', { body: [/^From: .*\r\n/m] }),
  sent('D03', 'every kind of line end', 'Subject: x\r\n\r\na\nb\rc\r\r\nd\n\re\r\nThe end.\n', {
    body: [/\r\n\r\na\r\nb\r\nc\r\nd\r\n\r\ne\r\nThe end\.\r\n$/],
  }),
  sent(
    'D07',
    'a line of 100,000 octets, and nothing is lost',
    `Subject: x\n\n${'0123456789'.repeat(10_000)}\nThe end.\n`,
    {
      notInBody: [BARE, /[^\r\n]{999}/],
      body: [/Content-Transfer-Encoding: quoted-printable/i],
    },
  ),
  {
    id: 'D08',
    what: '8-bit text with CHUNKING and without BINARYMIME',
    servers: [{ extensions: ['PIPELINING', 'CHUNKING', '8BITMIME'] }],
    message: Buffer.from('Subject: x\n\nB\xfccher\nThe end.\n', 'latin1'),
    want: {
      exit: 0,
      results: [YES],
      ended: [1],
      heard: [/^MAIL .*BODY=8BITMIME/],
      unheard: [/BINARYMIME/],
      body: [/B\xfccher/],
    },
  },
  {
    id: 'D08',
    what: '8-bit text without 8BITMIME is re-encoded',
    servers: [{ extensions: [] }],
    message: Buffer.from('Subject: x\n\nB\xfccher\nThe end.\n', 'latin1'),
    want: { exit: 0, results: [YES], ended: [1], unheard: [/BODY=/], body: [/B=FCcher/], notInBody: [/[\x80-\xff]/] },
  },
];
