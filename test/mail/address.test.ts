import { describe, expect, test } from 'vitest';
import { addressKey, formatAddress, formatPath, needsUtf8 } from '../../src/mail/address.ts';

describe('formatAddress()', () => {
  const written = (local: string, want: string) =>
    test(`writes ${want} when the local part is ${JSON.stringify(local)}`, () => {
      expect(formatAddress({ local, domain: 'x.y' })).toBe(want);
      expect(formatPath({ local, domain: 'x.y' })).toBe(`<${want}>`);
    });

  written('ann', 'ann@x.y');
  written('ann.b+c', 'ann.b+c@x.y');
  written("!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~@x.y");
  written('-f', '-f@x.y');
  written('j\u00f8ran', 'j\u00f8ran@x.y');
  written('', '""@x.y');
  written('a b', '"a b"@x.y');
  written('a..b', '"a..b"@x.y');
  written('.a', '".a"@x.y');
  written('a.', '"a."@x.y');
  written('a@b', '"a@b"@x.y');
  written('a>b', '"a>b"@x.y');
  written('a"\\b', '"a\\"\\\\b"@x.y');
});

test('formatPath() writes the null reverse-path when there is no sender', () => expect(formatPath(null)).toBe('<>'));

test('needsUtf8() looks at the local part only', () => {
  expect(needsUtf8({ local: 'ann', domain: 'xn--bcher-kva.example' })).toBe(false);
  expect(needsUtf8({ local: 'a b', domain: '[192.0.2.1]' })).toBe(false);
  expect(needsUtf8({ local: 'j\u00f8ran', domain: 'x.y' })).toBe(true);
});

test('addressKey() is equal when only the case of the domain differs', () => {
  const key = (local: string, domain: string) => addressKey({ local, domain });
  expect(key('Ann', 'X.Y')).toBe(key('Ann', 'x.y'));
  expect(key('Ann', 'x.y')).not.toBe(key('ann', 'x.y'));
  expect(key('a@b', 'c')).not.toBe(key('a', 'b@c'.slice(2)));
});
