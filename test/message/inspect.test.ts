import { describe, expect, it } from 'vitest';
import { INSPECTED, inspect } from '../../src/message/inspect.ts';
import { memorySource } from '../../src/message/source.ts';

const summary = (header: string, body: string | Buffer) =>
  inspect({ header: Buffer.from(`${header}\r\n\r\n`), body: memorySource(Buffer.from(body)) });

describe('inspect()', () => {
  it('tells who, what and which parts', async () => {
    const header = [
      'From: =?utf-8?Q?J=C3=B6rg?= <j@x.y>',
      'To: a@b.c, B <b@b.c>',
      'Cc: c@b.c',
      'Subject: =?utf-8?B?w6k=?=',
      'Date: Sun, 22 Nov 2026 21:11:31 +0100',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
    ].join('\r\n');
    const body = [
      ...['--b', '', 'hello', 'world', '--b', 'Content-Type: image/png; name="p.png"'],
      ...['Content-Transfer-Encoding: base64', '', 'QUJD', '--b--', ''],
    ].join('\r\n');
    expect(await summary(header, body)).toEqual({
      from: '"Jörg" <j@x.y>',
      to: 'a@b.c, "B" <b@b.c>',
      cc: 'c@b.c',
      subject: 'é',
      date: '2026-11-22T20:11:31.000Z',
      parts: [
        { type: 'text/plain', size: 11 },
        { type: 'image/png', size: 3, filename: 'p.png' },
      ],
      preview: 'hello\nworld',
      truncated: false,
    });
  });

  it('escapes control characters wherever they come from', async () => {
    const found = await summary(
      'Subject: =?utf-8?Q?a=1B[2Jb?=\r\nFrom: =?utf-8?Q?x=0Ay?= <a@b.c>',
      'one\x1b[31m\x07\n\ttwo',
    );
    expect(found.subject).toBe('a\\x1b[2Jb');
    expect(found.preview).toBe('one\\x1b[31m\\x07\n    two');
    expect(JSON.stringify(found)).not.toMatch(/\\u00(?!0a)[01]/);
    expect(found.from).not.toMatch(/[\0-\x1f]/);
  });

  it('reads the first MiB only, and says so', async () => {
    const found = await summary('Subject: x', Buffer.alloc(2 * INSPECTED, 'abc \n'));
    expect(found.truncated).toBe(true);
    expect(found.parts[0]?.size).toBeLessThanOrEqual(INSPECTED);
    expect(found.preview.length).toBeLessThan(2100);
  });

  it('summarises a message without anything', async () => {
    expect(await summary('', '')).toMatchObject({ preview: '', truncated: false });
  });
});
