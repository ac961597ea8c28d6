import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { type BodyScratch, downgrade, type Needs, planDowngrade } from '../../src/message/downgrade.ts';
import { headerBytes } from '../../src/message/header.ts';
import { canonical } from '../../src/message/lines.ts';
import type { Message } from '../../src/message/message.ts';
import { combine, scanBytes } from '../../src/message/scan.ts';
import { memorySource, type Source } from '../../src/message/source.ts';
import { split } from '../../src/message/split.ts';

const SEVEN: Needs = { sevenBit: true, maxLine: 998 };
const EIGHT: Needs = { sevenBit: false, maxLine: 998 };

function inPieces(bytes: Buffer, length: number): Source {
  return {
    size: bytes.length,
    async *chunks() {
      const memory = Buffer.alloc(length);
      for (let at = 0; at < bytes.length; at += length)
        yield memory.subarray(0, bytes.copy(memory, 0, at, at + length));
    },
  };
}

function scratch(): BodyScratch & { discarded: boolean } {
  const kept: Buffer[] = [];
  return {
    discarded: false,
    write: (chunk) => kept.push(Buffer.from(chunk)),
    finish: () => memorySource(Buffer.concat(kept)),
    discard() {
      this.discarded = true;
    },
  };
}

function message(text: string | Buffer, piece?: number): Message {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, 'utf8');
  const found = split(bytes, true);
  if (found === 'more') throw new Error('undecided at the end');
  const header = headerBytes(found.fields);
  const body = bytes.subarray(found.bodyOffset);
  const source = piece === undefined ? memorySource(body) : inPieces(body, piece);
  return { header, body: source, facts: combine(scanBytes(header), scanBytes(body)) };
}

async function run(text: string | Buffer, needs: Needs = SEVEN, piece?: number): Promise<string> {
  const done = await downgrade(message(text, piece), needs, scratch());
  if (!done.ok) return done.text;
  const out = Buffer.concat([done.message.header, done.message.body.bytes ?? Buffer.alloc(0)]);
  expect(done.message.facts.size).toBe(out.length);
  expect(canonical(out).equals(out)).toBe(true);
  return out.toString('latin1');
}

/** What a reader is shown, messages within included. */
async function seen(text: string | Buffer): Promise<object> {
  const mail = await simpleParser(text, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  const attachments = [];
  for (const { content, filename, contentType } of mail.attachments) {
    const isMessage = contentType === 'message/rfc822';
    attachments.push({ filename, contentType, content: isMessage ? await seen(content) : content.toString('base64') });
  }
  return { subject: mail.subject, from: mail.from?.text, text: mail.text, html: mail.html, attachments };
}

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');

const MIXED = lines(
  'From: a@b.c',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed;',
  '\tboundary="b(1)"  ; x=y',
  'Content-transfer-encoding:  8bit',
  '',
  'preamble  ',
  '--b(1)',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: 8bit (really)',
  'X-Kept:  odd\t',
  '',
  'quite some letters and grüße = "x" ',
  '.dot',
  '--b(1) \t',
  'Content-Type: text/plain',
  '',
  'plain = as it was  ',
  '--b(1)',
  'Content-Type: application/octet-stream',
  'Content-Disposition: attachment; filename="naïve plan.bin"; size=3',
  '',
  'ÿ\0',
  '--b(1)--',
  'epilogue',
);

describe('planDowngrade()', () => {
  const facts = { size: 10, eightBitHeader: false, eightBitBody: false, longestLine: 998, nul: false };
  const good = (change: Partial<typeof facts>, needs: Needs, want: string) =>
    it(`says ${want} for ${JSON.stringify(change)} where sevenBit is ${needs.sevenBit}`, () =>
      expect(planDowngrade({ ...facts, ...change }, needs)).toBe(want));

  good({}, SEVEN, 'none');
  good({ eightBitBody: true }, SEVEN, 'needed');
  good({ eightBitHeader: true }, SEVEN, 'needed');
  good({ eightBitBody: true, eightBitHeader: true }, EIGHT, 'none');
  good({ longestLine: 999 }, EIGHT, 'needed');
  good({ nul: true }, EIGHT, 'needed');
});

describe('downgrade() of one part', () => {
  const good = (name: string, text: string | Buffer, want: string, needs = SEVEN) =>
    it(name, async () => expect(await run(text, needs)).toBe(want));

  good(
    'says what 8-bit text is where nobody did',
    'Subject: x\n\nseveral words and grüße=\n',
    lines(
      'Subject: x',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'several words and gr=C3=BC=C3=9Fe=3D',
    ),
  );
  good(
    'calls text that is no UTF-8 unknown-8bit',
    Buffer.from('Subject: x\n\nmany letters and one \xfc at the end\n', 'latin1'),
    lines(
      'Subject: x',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=unknown-8bit',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'many letters and one =FC at the end',
    ),
  );
  good(
    'replaces the encoding in its place and nothing else',
    'content-Type:  text/html; charset=x\nCONTENT-TRANSFER-ENCODING: 8bit\nMIME-Version: 1.0 (x)\nSubject: y\n\nthree é words\n',
    lines(
      'content-Type:  text/html; charset=x',
      'Content-Transfer-Encoding: quoted-printable',
      'MIME-Version: 1.0 (x)',
      'Subject: y',
      '',
      'three =C3=A9 words',
    ),
  );
  good(
    'takes base64 where that is shorter, and for what is no text',
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\néééééé\n',
    lines(
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('éééééé\r\n').toString('base64'),
    ),
  );
  good(
    'breaks long lines of a server that takes 8-bit',
    `Subject: x\n\n${'a'.repeat(999)}\n`,
    lines(
      'Subject: x',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      ...Array.from({ length: 13 }, () => `${'a'.repeat(75)}=`),
      'a'.repeat(24),
    ),
    EIGHT,
  );
  good(
    'escapes blanks at line ends only, NUL, and dashes where it began a line',
    `MIME-Version: 1.0\nContent-Type: text/plain\n\na \t\n\tb\0 c\n${'x'.repeat(75)}--y\n`,
    lines(
      'MIME-Version: 1.0',
      'Content-Type: text/plain',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'a =09',
      '\tb=00 c',
      `${'x'.repeat(75)}=`,
      '=2D-y',
    ),
    EIGHT,
  );
  good(
    'wraps long base64 and drops what means nothing in it',
    `MIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: BASE64\n\n${'QUJD'.repeat(300)}\0\nQQ==\n`,
    lines(
      'MIME-Version: 1.0',
      'Content-Type: image/png',
      'Content-Transfer-Encoding: BASE64',
      '',
      ...Array.from({ length: 15 }, () => 'QUJD'.repeat(19)),
      'QUJD'.repeat(15),
      'QQ==',
    ),
  );
  good(
    'wraps long quoted-printable between its escapes',
    `MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n${'=C3=A9'.repeat(200)}é \nsoft=\nend = x=  \n`,
    lines(
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      ...('=C3=A9'.repeat(201).match(/.{1,75}/g) ?? []).map((line) => (line.length === 75 ? `${line}=` : line)),
      'soft=',
      'end = x=',
    ),
  );

  it('leaves the message that was given as it was', async () => {
    const given = message('Subject: x\n\né\n');
    const before = given.header.toString();
    await downgrade(given, SEVEN, scratch());
    expect(given.header.toString()).toBe(before);
    expect(given.body.bytes?.toString()).toBe('é\n');
  });

  it('throws what reading throws, and discards the scratch', async () => {
    const given = message('Subject: x\n\né\n');
    const body: Source = {
      size: 9,
      chunks: () => {
        throw new Error('gone');
      },
    };
    const place = scratch();
    await expect(downgrade({ ...given, body }, SEVEN, place)).rejects.toThrow('gone');
    expect(place.discarded).toBe(true);
  });
});

describe('downgrade() of several parts', () => {
  it('changes only the parts that need it', async () => {
    expect(await run(MIXED)).toBe(
      lines(
        'From: a@b.c',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed;',
        '\tboundary="b(1)"  ; x=y',
        'Content-Transfer-Encoding: 7bit',
        '',
        'preamble  ',
        '--b(1)',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
        'X-Kept:  odd\t',
        '',
        'quite some letters and gr=C3=BC=C3=9Fe =3D "x"=20',
        '.dot',
        '--b(1) \t',
        'Content-Type: text/plain',
        '',
        'plain = as it was  ',
        '--b(1)',
        'Content-Type: application/octet-stream',
        "Content-Disposition: attachment; filename*=utf-8''na%C3%AFve%20plan.bin; size=3",
        'Content-Transfer-Encoding: base64',
        '',
        'w78A',
        '--b(1)--',
        'epilogue',
      ),
    );
  });

  it('shows mailparser the same message', async () => {
    const nested = lines(
      'Content-Type: multipart/mixed; boundary=outer',
      '',
      '--outer',
      'Content-Type: message/rfc822',
      '',
      ...MIXED.split('\r\n'),
      '--outer',
      'Content-Type: multipart/alternative; boundary*0="in"; boundary*1="ner"',
      '',
      '--inner',
      'Content-Type: text/html; charset=iso-8859-1',
      '',
      `<p>${'x'.repeat(2000)}</p>`,
      '--inner--',
      '--outer--',
    );
    for (const text of [MIXED, nested]) expect(await seen(await run(text))).toEqual(await seen(text));
  });

  it('writes the same when the body comes in pieces of any length', async () => {
    const whole = await run(MIXED);
    for (const piece of [1, 2, 3, 5, 17]) expect(await run(MIXED, SEVEN, piece)).toBe(whole);
    const long = `Content-Type: multipart/mixed; boundary=b\n\n--b\n\n${'é -'.repeat(2000)}\n--b--\n`;
    const once = await run(long);
    for (const piece of [1, 999, 1000, 1001]) expect(await run(long, SEVEN, piece)).toBe(once);
  });

  it('encodes a preamble and an epilogue that do not fit', async () => {
    const out = await run('Content-Type: multipart/mixed; boundary=b\n\nvor é\n--b\n\nx\n--b--\nnach é\n');
    expect(out).toContain('\r\n\r\nvor =C3=A9\r\n--b\r\n\r\nx\r\n--b--\r\nnach =C3=A9\r\n');
  });

  it('walks on where the end delimiter is missing', async () => {
    const out = await run('Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnumber one é\n--b\n\ntwo and é');
    expect(out).toContain('quoted-printable\r\n\r\nnumber one =C3=A9\r\n--b\r\n');
    expect(out.endsWith('\r\n\r\ntwo and =C3=A9\r\n')).toBe(true);
  });

  it('takes a boundary that never comes, or none, for text', async () => {
    for (const type of ['multipart/mixed; boundary=b', 'multipart/mixed']) {
      const out = await run(`MIME-Version: 1.0\nContent-Type: ${type}\n\n--c\nthe é\n--c--\n`);
      expect(out).toContain('quoted-printable\r\n\r\n--c\r\nthe =C3=A9\r\n--c--\r\n');
    }
  });

  it('keeps lines above the header of a message within', async () => {
    const out = await run(
      'Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n>From x Thu\nSubject: é\n\nplain and é\n',
    );
    expect(out).toBe(
      lines(
        'Content-Type: message/rfc822',
        'Content-Transfer-Encoding: 7bit',
        '',
        '>From x Thu',
        'Subject: =?utf-8?B?w6k=?=',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        'plain and =C3=A9',
      ),
    );
  });

  it('takes parts of a digest for messages', async () => {
    const out = await run(
      'Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain\n\nthis is an é\n--b--\n',
    );
    expect(out).toContain(
      'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nthis is an =C3=A9',
    );
  });
});

describe('downgrade() refuses', () => {
  const bad = (name: string, text: string, why: string) =>
    it(name, async () => {
      const place = scratch();
      const done = await downgrade(message(text), SEVEN, place);
      expect(done).toEqual({ ok: false, status: '5.6.3', text: `Cannot re-encode message: ${why}` });
      expect(place.discarded).toBe(true);
    });
  const signed = (first: string, second: string) =>
    `Content-Type: multipart/signed; boundary=b\n\n--b\n${first}\n--b\n${second}\n--b--\n`;
  const LOCKED = 'a signed or encrypted part would have to be changed';

  bad('a signed part that does not fit', signed('\né', '\nsignature'), LOCKED);
  bad(
    'a part within a signed part',
    signed('Content-Type: multipart/mixed; boundary=c\n\n--c\n\né\n--c--', '\ns'),
    LOCKED,
  );
  bad('the header of a signed part', signed('Subject: é\n\nx', '\ns'), LOCKED);
  bad('an encrypted part', 'Content-Type: multipart/encrypted; boundary=b\n\n--b\n\né\n--b--\n', LOCKED);
  bad('message/partial', 'Content-Type: message/partial; number=1\n\né\n', "message/partial can't be re-encoded");
  bad('an unknown encoding', 'Content-Transfer-Encoding: x-uue\n\né\n', 'a part has encoding "x-uue"');
  bad(
    'a boundary that is not ASCII',
    'Content-Type: multipart/mixed; boundary="é"\n\n--é\n\nx\n--é--\n',
    'a boundary holds 8-bit octets',
  );
  bad(
    'more than 10,000 parts',
    `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\n'.repeat(10_001)}é`,
    'more than 10000 parts',
  );
  bad(
    'parts nested deeper than 50',
    `${'Content-Type: message/rfc822\n\n'.repeat(52)}é`,
    'parts nested deeper than 50',
  );

  it('nothing where only the signature has to change, or a part beside', async () => {
    const out = await run(signed('\nsigned \n', '\nthe é\n'));
    expect(out).toContain('--b\r\n\r\nsigned \r\n\r\n--b\r\n');
    expect(out).toContain('the =C3=A9');
  });
});

describe('downgrade() of a header', () => {
  const good = (field: string, want: string) =>
    it(`writes ${field.slice(0, 60)}`, async () =>
      expect(await run(Buffer.from(`${field}\n\n`, 'utf8'))).toBe(`${want}\r\n\r\n`));

  good('Subject: grüße an alle', 'Subject: =?utf-8?B?Z3LDvMOfZQ==?= an alle');
  good('Subject: ä ö x', 'Subject: =?utf-8?B?w6Qgw7Y=?= x');
  good('Subject: =?utf-8?Q?x?= ä', 'Subject: =?utf-8?Q?x?= =?utf-8?B?IMOk?=');
  good('Subject: =?utf-8?Q?ä_b?=', 'Subject: =?utf-8?Q?=C3=A4_b?=');
  good('From: "Müller, J." <j@x.y>', 'From: =?utf-8?B?TcO8bGxlciwgSi4=?= <j@x.y>');
  good(
    'To: Jörg <j@x.y>, "ok" <k@x.y> (für uns)',
    'To: =?utf-8?B?SsO2cmc=?= <j@x.y>, "ok" <k@x.y> (=?utf-8?B?ZsO8cg==?= uns)',
  );
  good('To: jörg@x.y, ann@bücher.example', 'To: jörg@x.y, ann@xn--bcher-kva.example'.replace('ö', '\xc3\xb6'));
  good('X: a\0b', 'X: =?utf-8?B?YQBi?=');
  good(
    `Content-Disposition: attachment; filename="${'ä'.repeat(20)}"`,
    `Content-Disposition: attachment; filename*0*=utf-8''${'%C3%A4'.repeat(8)}%C3;\r\n filename*1*=%A4${'%C3%A4'.repeat(9)}%C3;\r\n filename*2*=%A4%C3%A4`,
  );

  it('folds long lines at blanks, in address lists at commas, and changes no other', async () => {
    const to = `To: ${Array.from({ length: 200 }, (_, n) => `user${n}@example.org`).join(',')}`;
    const text = `${to}\nX: ${'word '.repeat(400)}end\nY:  a  b \n\n`;
    const out = await run(text, EIGHT);
    expect(Math.max(...out.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(out.replaceAll('\r\n ', ' ').replaceAll(', ', ',')).toBe(text.replaceAll('\n', '\r\n'));
  });

  it('leaves a line that has no blank', async () => {
    const text = `X: ${'x'.repeat(3000)}\r\n\r\n`;
    expect(await run(text, EIGHT)).toBe(text);
  });
});

describe('downgrade() of anything', () => {
  const pieces = [
    '--a\n',
    '--a--\n',
    '--b\n',
    '--b--\n',
    '\n',
    'text é\n',
    'x\n',
    'Content-Type: multipart/mixed; boundary=b\n',
    '\0',
    '--',
    'Content-Type: message/rfc822\n',
    'Content-Transfer-Encoding: base64\n',
    'QUJD\n',
    '\r',
    ' \n',
  ];
  it('leaves nothing that does not fit, and loses nothing, however it is broken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), async (parts) => {
        const text = `Content-Type: multipart/mixed; boundary=a\n\n${parts.join('')}`;
        const out = await run(text);
        expect(out).not.toMatch(/[\0\x80-\xff]/);
        const count = (all: string, what: RegExp) => all.match(what)?.length ?? 0;
        expect(count(out, /--a/g)).toBeGreaterThanOrEqual(count(text, /^--a(?:--)?$/gm));
        expect(await run(text, SEVEN, 3)).toBe(out);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('copies every octet where everything fits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), async (parts) => {
        const text = `Content-Type: multipart/mixed; boundary=a\n\n${parts.join('').replace(/[é\0]/g, '')}`;
        const given = message(text);
        const want = Buffer.concat([given.header, canonical(given.body.bytes ?? Buffer.alloc(0))]);
        expect(await run(text)).toBe(want.toString('latin1'));
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});
