import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import { parseAddressList } from '../../src/mail/address-list.ts';

const OPTIONS = { domain: 'our.test' };
const parse = (text: string) => parseAddressList(text, OPTIONS);

describe('parseAddressList() stays fast and does not overflow when the text is', () => {
  const MEBI = 1024 * 1024;
  const fast = (what: string, text: string, want: readonly [mailboxes: number, refused: number]) =>
    test(what, { timeout: 2000 }, () => {
      const { mailboxes, refused } = parseAddressList(text, { ...OPTIONS, folded: true });
      expect([mailboxes.length, refused.length]).toEqual(want);
    });

  fast('a deep open comment', '('.repeat(MEBI), [0, 1]);
  fast('a deep comment', `${'('.repeat(1e5)}${')'.repeat(1e5)}a@x`, [1, 0]);
  fast('many comments', '(a)'.repeat(1e5), [0, 1]);
  fast('many groups', 'g:a@x;'.repeat(5e4), [5e4, 0]);
  fast('groups in groups', 'g:'.repeat(5e4), [0, 1]);
  fast('one long word', 'a'.repeat(MEBI), [0, 1]);
  fast('one long domain', `a@${'\u00e9'.repeat(MEBI)}`, [0, 1]);
  fast('many labels', `a@${'b.'.repeat(1e5)}c`, [0, 1]);
  fast('many recipients', 'Ann Bee <ann@example.org>, '.repeat(1e5), [1e5, 0]);
  fast('quotes', '"'.repeat(1e5), [0, 1]);
  fast('escapes', `"${'\\a'.repeat(MEBI / 2)}`, [0, 1]);
  fast('blanks', ' '.repeat(MEBI), [0, 0]);
  fast('folded blanks', `${'\r\n '.repeat(1e5)}a@x`, [1, 0]);
  fast('open brackets', '<'.repeat(1e5), [0, 1]);
  fast('open literals', '['.repeat(1e5), [0, 1]);
  fast('an open route', `<${'@a,'.repeat(1000)}`, [0, 333]);
  fast('open routes', `<@a,${' '.repeat(1000)}`.repeat(1000), [0, 1000]);
  fast('encoded words', '=?a?q?'.repeat(1e5), [0, 1]);
  fast('open encoded words', `=?a?q?${'='.repeat(999)}`.repeat(1000), [0, 1]);
});

describe('parseAddressList() by properties', () => {
  const runs = { seed: 5322, numRuns: 300 };
  const character = fc.oneof(
    fc.constantFrom(...'"\\()<>[]:;@,. \t\r\n\0=?ab1'),
    fc.constantFrom('\u00e9', '\u3002', '\u200b', '\u2028', '\ud800', '\u0085', '\uff11', '\u{1f600}', '=?a?q?', '?='),
  );
  const anyText = fc.oneof(fc.string({ unit: character, maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }));
  const word = fc.string({ unit: fc.constantFrom(...'abz09-+\u00e9"\\ .@,<>()[];:'), maxLength: 12 });
  const domain = fc.constantFrom('example.org', 'xn--bcher-kva.example', '[192.0.2.1]', '[IPv6:2001:db8::1]');
  const address = fc.record({ local: word, domain });

  test('reads back what formatAddress() wrote', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(parse(formatAddress(given))).toEqual({ mailboxes: [{ address: given }], refused: [] });
        expect(parse(`"a, b" <${formatAddress(given)}> (c)`).mailboxes[0]?.address).toEqual(given);
      }),
      runs,
    );
  });

  test('never throws, and no result can end a line', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, folded) => {
        const { mailboxes, refused } = parseAddressList(text, { ...OPTIONS, folded });
        for (const mailbox of mailboxes) {
          const written = formatAddress(mailbox.address);
          expect(`${written}${mailbox.name ?? ''}`).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(Buffer.from(written, 'utf8').toString('utf8')).toBe(written);
          expect(mailbox.address.domain).toMatch(/^[a-z0-9._-]+$|^\[(?:[0-9.]+|IPv6:[0-9a-f:]+)\]$/);
          expect(parse(written).mailboxes).toEqual([{ address: mailbox.address }]);
        }
        for (const { text, reason } of refused) expect(`${text}${reason}`).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
      { ...runs, numRuns: 2000 },
    );
  });

  test('gives the results of all parts when lists are joined by commas', () => {
    const refusable = fc.constantFrom('@', 'a b', 'a@1.1', '<>', '<a@x', 'a@x>', 'a\r\n@x', 'a@b@c', '=?a?q?b', '');
    const closed = fc.oneof(
      address.map(formatAddress),
      refusable,
      fc.constantFrom('root', 'g: a@x, @;', '<@a,@b:c@d>'),
    );
    fc.assert(
      fc.property(fc.array(closed, { maxLength: 8 }), (parts) => {
        const each = parts.map(parse);
        expect(parse(parts.join(','))).toEqual({
          mailboxes: each.flatMap(({ mailboxes }) => mailboxes),
          refused: each.flatMap(({ refused }) => refused),
        });
      }),
      runs,
    );
  });
});
