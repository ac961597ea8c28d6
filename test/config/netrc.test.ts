import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findInNetrc } from '../../src/config/netrc.ts';

const ASKED = { host: 'smtp.example.org', port: 587, user: 'ann' };
const found = (text: string, asked: Partial<typeof ASKED> = {}) => findInNetrc(text, { ...ASKED, ...asked });

describe('findInNetrc() finds', () => {
  test.each([
    ['a line', 'machine smtp.example.org login ann password pencil'],
    ['lines', 'machine smtp.example.org\n\tlogin ann\r\n\tpassword pencil\n'],
    ['another order', 'machine smtp.example.org password pencil login ann'],
    ['an authinfo', 'machine smtp.example.org login ann port 587 password pencil'],
    ['the name of a port', 'host SMTP.Example.ORG user ann protocol submission secret pencil'],
    ['an entry for any user', 'machine smtp.example.org password pencil'],
    [
      'the second of a host',
      'machine smtp.example.org login bob password no machine smtp.example.org login ann password pencil',
    ],
    [
      'one behind another port',
      'machine smtp.example.org port 465 login ann password no\nmachine smtp.example.org login ann password pencil',
    ],
    ['a default with the user', 'machine other login ann password no\ndefault login ann password pencil'],
    [
      'one behind a comment',
      '# machine smtp.example.org password no\n  # and\nmachine smtp.example.org password pencil',
    ],
    [
      'one behind a macro',
      'macdef init\nmachine smtp.example.org password no\n\nmachine smtp.example.org password pencil',
    ],
    ['one with an account', 'machine smtp.example.org login ann account password password pencil'],
    ['one with strange words', 'machine smtp.example.org smtp-auth plain login ann force yes password pencil'],
    ['quoted words', '"machine" "smtp.example.org" login "ann" password "pencil"'],
    [
      'the first that has a password',
      'machine smtp.example.org login ann\nmachine smtp.example.org login ann password pencil',
    ],
  ])('%s', (_, text) => {
    expect(found(text)).toBe('pencil');
  });

  test.each([
    ['"a b"', 'a b'],
    ['"a\\"b\\\\c\\td"', 'a"b\\c\td'],
    ['#hash', '#hash'],
    ['pa"ss\\word', 'pa"ss\\word'],
    ["'single'", "'single'"],
    ['login', 'login'],
    ['""', ''],
    ['"open', 'open'],
    ['pässwörd', 'pässwörd'],
  ])('the password %s', (word, want) => {
    expect(found(`machine smtp.example.org login ann password ${word}`)).toBe(want);
  });
});

describe('findInNetrc() finds nothing', () => {
  test.each([
    ['in nothing', ''],
    ['for another host', 'machine example.org login ann password x'],
    ['for another user', 'machine smtp.example.org login Ann password x'],
    ['for another port', 'machine smtp.example.org login ann port 465 password x'],
    ['for a port that is none', 'machine smtp.example.org login ann port constructor password x'],
    ['in a default for anybody', 'default password x'],
    ['in a default for another', 'default login anonymous password x'],
    ['in a macro that does not end', 'macdef init\nmachine smtp.example.org password x'],
    ['in a comment', '#machine smtp.example.org password x'],
    ['outside of an entry', 'login ann password x'],
    ['where a word is missing', 'machine smtp.example.org login ann password'],
    ['where a host is missing', 'machine'],
  ])('%s', (_, text) => {
    expect(found(text)).toBeUndefined();
  });
});

test('findInNetrc() never throws, and takes a time that grows with the text', () => {
  const words = fc.constantFrom(
    'machine',
    'smtp.example.org',
    'login',
    'ann',
    'password',
    '"',
    '\\',
    '#',
    '\n',
    ' ',
    'macdef',
    'default',
    'x',
  );
  fc.assert(
    fc.property(fc.array(words), (all) => {
      expect(typeof (found(all.join('')) ?? '')).toBe('string');
      expect(typeof (found(all.join(' ')) ?? '')).toBe('string');
    }),
    { seed: 1985, numRuns: 200 },
  );
  for (const hostile of ['"', '"\\', 'macdef ', '\n', '# ', 'machine ', '"a" ']) {
    expect(found(hostile.repeat(1_000_000 / hostile.length))).toBeUndefined();
  }
});
