/**
 * Messages of every kind that a sender must not damage, each with what has to arrive: the header's own fields and the
 * body, line ends as LF, octets as latin1. Fields that the sender adds (Date, From, To, Message-ID) are left out.
 */
export interface Sample {
  readonly name: string;
  readonly sent: Buffer;
  readonly arrives: { readonly header: string; readonly body: string };
}

const HEADER = `Date: Sat, 01 Aug 2026 10:00:00 +0200
From: Ann <ann@client.example>
To: bob@example.org
Message-ID: <sample@client.example>
`;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** A message with a whole header, and a body that arrives as it is, or otherwise. */
function body(name: string, sent: string, arrives = sent): Sample {
  return { name, sent: latin1(`${HEADER}\n${sent}`), arrives: { header: HEADER, body: arrives } };
}

/** All of a message. */
function whole(name: string, sent: string, arrives: Sample['arrives']): Sample {
  return { name, sent: latin1(sent), arrives };
}

const MIME_UTF8 = `MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
`;

const ODD_HEADER = `X-Empty:
X-BLANKS:   two   and a tab\t end \t
x-folded: one
  two
\tthree
Received: from old.example by client.example; Sat, 01 Aug 2026 09:00:00 +0200
Received: from older.example by old.example; Sat, 01 Aug 2026 08:00:00 +0200
X-Long: ${'word '.repeat(180)}end
`;

/** 300 KB: more than goes in one flight, so that it goes by DATA where small messages go by BDAT. */
const LARGE = Array.from(
  { length: 6000 },
  (_, line) => `${'.'.repeat(line % 4)}line ${line} ${'x'.repeat(line % 75)}\n`,
);

/** 3 MB: more than stays in memory. Octets of all kinds but NUL, CR and LF; every third line begins with a dot. */
function* octetLines(): Generator<string> {
  let seed = 1;
  for (let line = 0; line < 40_000; line += 1) {
    const octets = Array.from({ length: line % 150 }, () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return 14 + ((seed >> 8) % 242);
    });
    yield `${line % 3 === 0 ? '.' : ''}${Buffer.from(octets).toString('latin1')}\n`;
  }
}

export const SAMPLES: readonly Sample[] = [
  body('plain text', 'Hello Bob,\nthis is Ann.\n'),
  body('lines of dots', '.\n..\n...\n.x\n..x\nx.\n. \n .\n\n.\n'),
  body('a dot as the first line', '.\nx\n'),
  body('a dot as the last line, without a newline', 'x\n.', 'x\n.\n'),
  body('a body that is nothing but a dot', '.', '.\n'),
  body('no final newline', 'x\ny', 'x\ny\n'),
  body('empty lines at the beginning and the end', '\n\n\nx\n\n\n\n'),
  body('blanks at line ends', 'x \ny\t\n \n\t\n'),
  body('lines that look like commands', 'QUIT\nRSET\nDATA\nBDAT 0 LAST\n\nFrom x\n>From y\n-- \nx\n'),
  body('CRLF', 'x\r\n.\r\ny\r\n', 'x\n.\ny\n'),
  body('mixed line ends', 'a\nb\r\nc\n\r\nd\r\r\ne\n', 'a\nb\nc\n\nd\ne\n'),
  body('bare CR, which ends a line too', 'a\rb\r\rc\n.\r.\rd\n', 'a\nb\n\nc\n.\n.\nd\n'),
  body('control characters but NUL', '\x01\x07\b\x0b\x0c\x1b[2J\x7f\n'),
  body('a line of 998 characters', `${'x'.repeat(998)}\n.${'y'.repeat(997)}\n`),
  body('8-bit text without a charset', '\x80\xff\xe4\xc3\n.\xfe\n'),
  body('300 KB, three lines in four beginning with a dot', LARGE.join('')),
  body('3 MB of octets of all kinds', [...octetLines()].join('')),
  whole('UTF-8 in header and body', utf8(`${HEADER}Subject: Grüße 🐦\n${MIME_UTF8}\nGrüße,\n.日本語\n🐦\n`), {
    header: utf8(`${HEADER}Subject: Grüße 🐦\n${MIME_UTF8}`),
    body: utf8('Grüße,\n.日本語\n🐦\n'),
  }),
  whole('latin1 in header and body', `${HEADER}Subject: Gr\xfc\xdfe\n\nGr\xfc\xdfe\n`, {
    header: `${HEADER}Subject: Gr\xfc\xdfe\n`,
    body: 'Gr\xfc\xdfe\n',
  }),
  whole('fields folded, empty, long and twice', `${HEADER}${ODD_HEADER}\nx\n`, {
    header: `${HEADER}${ODD_HEADER}`,
    body: 'x\n',
  }),
  whole('Bcc, which never leaves', `Bcc: carol@example.org\n${HEADER}bcc: dave@example.org,\n eve@example.org\n\nx\n`, {
    header: HEADER,
    body: 'x\n',
  }),
  whole('an mbox line on top', `From ann Sat Aug  1 10:00:00 2026\n${HEADER}\nx\n`, { header: HEADER, body: 'x\n' }),
  whole('a header and no body', HEADER, { header: HEADER, body: '' }),
  whole('a header, an empty line and no body', `${HEADER}\n`, { header: HEADER, body: '' }),
  whole('no header', 'Just text.\n.\nMore text.\n', { header: '', body: 'Just text.\n.\nMore text.\n' }),
  whole('an empty line first', '\nSubject: this is text\n', { header: '', body: 'Subject: this is text\n' }),
  whole('a subject alone', 'Subject: hi', { header: 'Subject: hi\n', body: '' }),
  whole('nothing', '', { header: '', body: '' }),
];

/** What no server takes as it is: it is re-encoded, and this is what a reader finds. */
export interface Encoded {
  readonly name: string;
  readonly sent: Buffer;
  readonly text: string;
}

const text = (charset: string) => `${HEADER}MIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\n\n`;
const line = (octets: number) => `${'0123456789abcdef'.repeat(octets / 16)}\n`;

export const ENCODED: readonly Encoded[] = [
  { name: 'a line of 1 MiB', sent: latin1(`${text('us-ascii')}.\n${line(2 ** 20)}.`), text: `.\n${line(2 ** 20)}.` },
  { name: 'a line of 999 characters', sent: latin1(`${text('us-ascii')}${'x'.repeat(999)}`), text: 'x'.repeat(999) },
  { name: 'NUL', sent: latin1(`${text('us-ascii')}a\0b\n.\0\n`), text: 'a\0b\n.\0\n' },
  {
    name: 'long lines of UTF-8',
    sent: Buffer.from(`${text('utf-8')}${'Grüße 🐦 '.repeat(1000)}\nend\n`),
    text: `${'Grüße 🐦 '.repeat(1000)}\nend\n`,
  },
];
