import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches, parseGlob } from '../../src/config/glob.ts';
import type { Address } from '../../src/mail/address.ts';

/** `<>` is nobody. */
const parseAddress = (text: string): Address | null => {
  const at = text.lastIndexOf('@');
  return text === '<>' ? null : { local: text.slice(0, at), domain: text.slice(at + 1) };
};

describe('parseGlob()', () => {
  const good = (text: string, glob: string) => test(`reads ${text}`, () => expect(parseGlob(text)).toEqual({ glob }));
  good('example.org', '*@example.org');
  good('Example.ORG.', '*@example.org');
  good('*.example.org', '*@*.example.org');
  good('*.Example.ORG.', '*@*.example.org');
  good('Ann@example.org', 'ann@example.org');
  good('root@*', 'root@*');
  good('*', '*@*');
  good('*-bounces@*.lists.*', '*-bounces@*.lists.*');
  good('müller.example', '*@xn--mller-kva.example');
  good('*.müller.example', '*@*.xn--mller-kva.example');
  good('MÜLLER@*.example', 'müller@*.example');
  good('a@b@example.org', 'a@b@example.org');
  good('ann@[192.0.2.1]', 'ann@[192.0.2.1]');
  good('[ipv6:2001:DB8::1]', '*@[ipv6:2001:db8::1]');
  good('<>', '<>');

  const bad = (text: string, reason: string) =>
    test(`refuses ${text.slice(0, 40)}`, () => expect(parseGlob(text)).toEqual({ reason }));
  bad('', 'a part of it is missing beside the "@"');
  bad('@example.org', 'a part of it is missing beside the "@"');
  bad('ann@', 'a part of it is missing beside the "@"');
  bad('a b@example.org', 'it has characters that no address has');
  bad('<ann@example.org>', 'it has characters that no address has');
  bad('ann@example.org\n', 'it has characters that no address has');
  bad('a..b', 'the domain is none: domain has an empty label');
  bad('192.0.2.1', 'the domain is none: domain looks like an IP address: write it in brackets');
  bad('ann@[192.0.2.1', 'the domain is none: a bracket is open');
  bad('ann@[x]', 'the domain is none: address literal is neither [IPv4] nor [IPv6:address]');
  bad('*müller.example', 'an asterisk stands beside letters that are not ASCII');
  bad('*@*.*.*.*', 'it is too long, or has more than 4 asterisks');
  bad(`${'a'.repeat(321)}`, 'it is too long, or has more than 4 asterisks');
});

describe('matches()', () => {
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['example.org', ['ann@example.org', 'Bob@EXAMPLE.org'], ['ann@sub.example.org', 'ann@example.org.test', '<>']],
    ['*.example.org', ['ann@a.example.org', 'ann@a.b.example.org'], ['ann@example.org', 'ann@notexample.org']],
    ['ann@example.org', ['ANN@example.org'], ['anna@example.org', 'ann@example.com', '<>']],
    ['root@*', ['root@a.test', 'root@b'], ['rooted@a.test', '<>']],
    ['*', ['a@b.test', '<>'], []],
    ['<>', ['<>'], ['a@b.test']],
    ['a*b*c@*', ['abc@x', 'axxbyyc@x', 'abcbc@x'], ['ac@x', 'acb@x', 'ab@x']],
    ['a*a@x.test', ['aa@x.test', 'aba@x.test'], ['a@x.test']],
    ['*.müller.example', ['x@a.xn--mller-kva.example'], ['x@xn--mller-kva.example']],
    ['x@[192.0.2.1]', ['x@[192.0.2.1]'], ['x@192.0.2.1']],
  ];
  for (const [text, yes, no] of rows) {
    test(`knows whom ${text} stands for`, () => {
      const reading = parseGlob(text);
      if (!('glob' in reading)) throw new Error(reading.reason);
      const found = (names: readonly string[]) => names.filter((name) => matches(reading.glob, parseAddress(name)));
      expect([found(yes), found(no)]).toEqual([yes, []]);
    });
  }

  const word = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }).map((text) => `x${text}`);
  test('is what a regular expression would say', () => {
    const pattern = fc.array(fc.constantFrom('*', 'a', 'b', 'xa'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pattern, word, (parts, local) => {
        const glob = `${parts.join('')}@*`;
        const want = new RegExp(`^${parts.map((part) => (part === '*' ? '.*' : part)).join('')}$`).test(local);
        expect(matches(glob, { local, domain: 'a.test' })).toBe(want);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
