import { expect, test } from 'vitest';
import { createTranscript, tlsTexts } from '../../src/net/transcript.ts';

test('createTranscript() gives each line its time since the beginning when it is said', () => {
  let now = 1_000;
  const sunk: string[] = [];
  const transcript = createTranscript({ monotonic: () => now, sink: (line) => sunk.push(line) });
  transcript.server({ code: 220, lines: ['mx', 'hi'] });
  now += 12.4;
  transcript.client('EHLO me');
  now += 100_000;
  transcript.body(1234);
  transcript.note('bye');
  expect(sunk).toEqual([
    '     0  S: 220-mx',
    '     0  S: 220 hi',
    '    12  C: EHLO me',
    '100012  C: <1234 bytes>',
    '100012 --: bye',
  ]);
  expect(transcript.lines()).toEqual(sunk);
});

test('createTranscript() hides what follows the prefix, or all when the line has another', () => {
  const transcript = createTranscript({ monotonic: () => 0 });
  transcript.client('AUTH PLAIN AGEAYg==', 'AUTH PLAIN ');
  transcript.client('cGFzcw==', '');
  transcript.client('auth plain AGEAYg==', 'AUTH PLAIN ');
  expect(transcript.lines().map((line) => line.slice(11))).toEqual(['AUTH PLAIN <secret>', '<secret>', '<secret>']);
});

test('createTranscript() escapes what a terminal would obey', () => {
  const transcript = createTranscript({ monotonic: () => 0 });
  transcript.server({ code: 550, lines: ['\x1b]0;owned\x07\r\n\u202e'] });
  expect(transcript.lines()[0]?.slice(8)).toBe('S: 550 \\x1b]0;owned\\x07\\x0d\\x0a\\u{202e}');
});

test('createTranscript() keeps the last lines when there are many', () => {
  const transcript = createTranscript({ monotonic: () => 0, keep: 2 });
  for (const line of ['a', 'b', 'c']) transcript.client(line);
  expect(transcript.lines().map((line) => line.slice(11))).toEqual(['b', 'c']);
});

test('tlsTexts() says why it is not verified, and nothing of a certificate when there is none', () => {
  const facts = { version: 'TLSv1.3', cipher: 'X', verified: false };
  expect(tlsTexts({ ...facts, reason: 'it is self-signed' })).toEqual(['TLSv1.3 X, not verified: it is self-signed']);
});
