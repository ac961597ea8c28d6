import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/mail/reply.ts';
import { MalformedReply, ReplyParser } from '../../src/smtp/parser.ts';

interface Read {
  readonly replies: readonly Reply[];
  readonly why?: string;
  readonly pending: number;
}

function read(chunks: Iterable<Buffer>): Read {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const chunk of chunks) parser.push(chunk);
  try {
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  } catch (error) {
    if (!(error instanceof MalformedReply)) throw error;
    return { replies, why: error.message, pending: parser.pending };
  }
  return { replies, pending: parser.pending };
}

function* cut(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const wire = (text: string): Buffer => Buffer.from(text, 'latin1');
const reply = (code: number, lines: readonly string[], status?: string): Reply =>
  status === undefined ? { code, lines } : { code, lines, status };

function good(text: string, ...want: readonly Reply[]): void {
  test(JSON.stringify(text).slice(0, 90), () => {
    for (const size of [1, 2, 3, 7, text.length]) {
      expect(read(cut(wire(text), size))).toEqual({ replies: want, pending: 0 });
    }
  });
}

function bad(text: string, why: string, ...before: readonly Reply[]): void {
  test(`${JSON.stringify(text).slice(0, 60)}: ${why}`, () => {
    for (const size of [1, 2, 3, text.length]) {
      const got = read(cut(wire(text), size));
      expect(got.replies).toEqual(before);
      expect(got.why).toBe(`Cannot read reply: ${why}`);
      expect(got.pending).toBeGreaterThan(0);
    }
  });
}

describe('ReplyParser.next() gives a reply when', () => {
  good('220 mx.test ESMTP\r\n', reply(220, ['mx.test ESMTP']));
  good('220\r\n', reply(220, ['']));
  good('250 \r\n', reply(250, ['']));
  good('220\n', reply(220, ['']));
  good('250-one\n250 two\n', reply(250, ['one', 'two']));
  good('250-\r\n250-\r\n250\r\n', reply(250, ['', '', '']));
  good('250-a\r\n250  b\r\n', reply(250, ['a', ' b']));
  good('250 ok\r\r\n', reply(250, ['ok']));
  good('250 one\r\n550 two\r\n', reply(250, ['one']), reply(550, ['two']));
  good('299 a\r\n354 b\r\n433 c\r\n577 d\r\n', ...[299, 354, 433, 577].map((c, i) => reply(c, ['abcd'.charAt(i)])));
  good('250 -\r\n', reply(250, ['-']));
  good('250 a\0b\x1b[2J\r\n', reply(250, ['a\0b\x1b[2J']));
  good('250 a\rb\r\n', reply(250, ['a\rb']));
  good('220 gr\xc3\xbc\xc3\x9fe\r\n', reply(220, ['grüße']));
  good('220 gr\xfc\xdfe\r\n', reply(220, ['grüße']));
  good(`334 ${'A'.repeat(12_288)}\r\n`, reply(334, ['A'.repeat(12_288)]));
});

describe('ReplyParser.next() reads the enhanced status when', () => {
  good('250 2.1.0 ok\r\n', reply(250, ['2.1.0 ok'], '2.1.0'));
  good('550 5.1.1\r\n', reply(550, ['5.1.1'], '5.1.1'));
  good('450 4.999.999 x\r\n', reply(450, ['4.999.999 x'], '4.999.999'));
  good('550-5.7.1 a\r\n550 5.7.1 b\r\n', reply(550, ['5.7.1 a', '5.7.1 b'], '5.7.1'));
  good('550-see\r\n550 5.7.1 b\r\n', reply(550, ['see', '5.7.1 b'], '5.7.1'));
});

describe('ReplyParser.next() leaves the enhanced status out when', () => {
  good('250 5.7.1 contradicts\r\n', reply(250, ['5.7.1 contradicts']));
  good('550 2.0.0 contradicts\r\n', reply(550, ['2.0.0 contradicts']));
  good('450 9.9.9 no class\r\n', reply(450, ['9.9.9 no class']));
  good('550 5.7.1000 long\r\n', reply(550, ['5.7.1000 long']));
  good('550 5.7.1x\r\n', reply(550, ['5.7.1x']));
  good('550 5.7 short\r\n', reply(550, ['5.7 short']));
  good('354 3.0.0 go\r\n', reply(354, ['3.0.0 go']));
});

describe('ReplyParser.next() throws MalformedReply when', () => {
  bad('250-one\r\n500 two\r\n', 'codes differ: 250 and 500');
  bad('500-one\r\n250 two\r\n', 'codes differ: 500 and 250');
  bad('220x\r\n', '"220x" is no reply line');
  bad('2200 hi\r\n', '"2200 hi" is no reply line');
  bad('22\r\n', '"22" is no reply line');
  bad('22 hi\r\n', '"22 hi" is no reply line');
  bad(' 220 hi\r\n', '" 220 hi" is no reply line');
  bad('220\thi\r\n', '"220\\x09hi" is no reply line');
  bad('150 hi\r\n', '"150 hi" is no reply line');
  bad('650 hi\r\n', '"650 hi" is no reply line');
  bad('050 hi\r\n', '"050 hi" is no reply line');
  bad('850 hi\r\n', '"850 hi" is no reply line');
  bad('\r\n220 hi\r\n', '"" is no reply line');
  bad('250 ok\r\n\r\n', '"" is no reply line', reply(250, ['ok']));
  bad('250-a\r\n\r\n250 b\r\n', '"" is no reply line');
  bad('HTTP/1.1 400 Bad Request\r\n', '"HTTP/1.1 400 Bad Request" is no reply line');
  bad('SSH-2.0-OpenSSH_9.2\r\n', '"SSH-2.0-OpenSSH_9.2" is no reply line');
  bad('\x15\x03\x01\0\x02\x02\x46\n', '"\\x15\\x03\\x01\\x00\\x02\\x02F" is no reply line');
  bad(`220 ${'x'.repeat(16_384)}`, 'line is longer than 16384 bytes');
  bad('250-x\r\n'.repeat(501), 'more than 500 lines');
  bad(`250-${'x'.repeat(8_000)}\r\n`.repeat(9), 'longer than 65536 bytes');
});

test('ReplyParser.next() gives nothing when the last line or its end is missing', () => {
  for (const text of ['2', '250', '250 2.0.0 o', '250 ok\r', '250-ok\r\n', '250-ok\r\n250 end']) {
    const got = read([wire(text)]);
    expect(got.replies).toEqual([]);
    expect(got.pending).toBeGreaterThan(0);
  }
});

test('ReplyParser.next() throws again when it has thrown', () => {
  const parser = new ReplyParser();
  parser.push(wire('nonsense\r\n250 ok\r\n'));
  expect(() => parser.next()).toThrow(MalformedReply);
  parser.push(wire('250 ok\r\n'));
  expect(() => parser.next()).toThrow(MalformedReply);
});

test('ReplyParser.push() keeps no reference to the bytes when a line is unfinished', () => {
  const parser = new ReplyParser();
  const bytes = wire('250 o');
  parser.push(bytes);
  bytes.fill(0);
  parser.push(wire('k\r\n'));
  expect(parser.next()).toEqual(reply(250, ['ok']));
});

test('ReplyParser reads the same however the bytes are cut', () => {
  const piece = fc.oneof(
    fc.constantFrom('250 ok\r\n', '250-a\r\n', '550 5.1.1 no\n', '\r\n', '2', '50 ', '\r', '\n', '\xff'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (pieces, size) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      const whole = read([bytes]);
      expect(read(cut(bytes, size))).toEqual(whole);
      for (const each of whole.replies) {
        expect(each.code).toBeGreaterThanOrEqual(200);
        expect(each.code).toBeLessThan(600);
      }
    }),
    { seed: 5321, numRuns: 150 },
  );
});
