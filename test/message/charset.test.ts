import { describe, expect, test } from 'vitest';
import { declareUtf8 } from '../../src/message/charset.ts';
import { headerBytes } from '../../src/message/header.ts';
import { split } from '../../src/message/split.ts';

function declared(text: string): string {
  const found = split(Buffer.from(`${text.replaceAll('\n', '\r\n')}\r\n\r\n`, 'latin1'), true);
  if (found === 'more') throw new Error('no header');
  return headerBytes(declareUtf8(found.fields)).toString('latin1').trimEnd().replaceAll('\r\n', '\n');
}

const becomes = (text: string, want: string) =>
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(want)}`, () => expect(declared(text)).toBe(want));
const stays = (text: string) => test(`${JSON.stringify(text)} stays`, () => expect(declared(text)).toBe(text));

const UTF8 = 'Content-Type: text/plain; charset=utf-8';
const EIGHT = 'Content-Transfer-Encoding: 8bit';

describe('declareUtf8()', () => {
  becomes('Subject: x', `Subject: x\n${UTF8}\n${EIGHT}`);
  becomes(`Content-Type: text/plain; charset=US-ASCII\n${EIGHT}\nSubject: x`, `${UTF8}\n${EIGHT}\nSubject: x`);
  becomes('Content-Type: text/plain; charset="ANSI_X3.4-1968"', `${UTF8}\n${EIGHT}`);
  becomes('content-type:TEXT/PLAIN', `${UTF8}\n${EIGHT}`);
  becomes(
    'Content-Type: text/html; charset=us-ascii;\n name="a;b.html"\nContent-Transfer-Encoding: 7bit',
    `Content-Type: text/html; charset=utf-8; name="a;b.html"\n${EIGHT}`,
  );
  becomes(
    'Content-Type: text/plain; format=flowed; charset=us-ascii\nContent-Transfer-Encoding: binary',
    'Content-Type: text/plain; charset=utf-8; format=flowed\nContent-Transfer-Encoding: binary',
  );

  stays('Content-Type: text/plain; charset=utf-8');
  stays('Content-Type: text/plain; charset=iso-8859-1');
  stays('Content-Type: multipart/mixed; boundary=x');
  stays('Content-Type: application/octet-stream');
  stays('Content-Type: no type');
  stays('Content-Type: text/plain/x');
  stays('Content-Transfer-Encoding: quoted-printable');
  stays('Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=us-ascii');
  stays('DKIM-Signature: v=1\nContent-Type: text/plain; charset=us-ascii');

  test('adds no field by what stands in another parameter', () => {
    const text = declared(`Content-Type: text/plain; name="${'x'.repeat(300)}\xe9"; other=\n\tMIME: evil`);
    expect(text.split('\n').filter((line) => /^\S/.test(line))).toEqual([
      expect.stringMatching(/^Content-Type: text\/plain; charset=utf-8;/),
      EIGHT,
    ]);
  });
});
