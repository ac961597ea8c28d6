import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeControls, quoted } from '../../src/mail/printable.ts';

describe('escapeControls() makes', () => {
  const good = (text: string, want: string): void =>
    test(JSON.stringify(text), () => expect(escapeControls(text)).toBe(want));
  good('plain text', 'plain text');
  good('grüße 日本 👩‍👩‍👧 \u05d0\u200d', 'grüße 日本 👩‍👩‍👧 \u05d0\u200d');
  good('a\r\nb\0\tc', 'a\\x0d\\x0ab\\x00\\x09c');
  good('\x1b[31m\x7f\x9b', '\\x1b[31m\\x7f\\x9b');
  good('\u2028\u2029\u202e\u2066\u061c\ufeff\u200b', '\\u{2028}\\u{2029}\\u{202e}\\u{2066}\\u{61c}\\u{feff}\\u{200b}');
  good('\ud800x\udc00', '\\u{d800}x\\u{dc00}');
  good('\u{e0041}', '\\u{e0041}');
  good('\xad', '\\xad');
});

test('escapeControls() leaves nothing to escape when it is done', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeControls(text);
      expect(escapeControls(escaped)).toBe(escaped);
      expect(escaped).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('quoted() puts escaped text between quotes, and cuts it when it is long', () => {
  expect(quoted('say "hi"\n')).toBe('"say \\"hi\\"\\x0a"');
  expect(quoted('x'.repeat(100), 3)).toBe('"xxx…"');
});
