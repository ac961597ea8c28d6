import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import { parseAddressList, parseRecipientArgument, parseSender } from '../../src/mail/address-list.ts';

const OPTIONS = { domain: 'our.test' };
const parse = (text: string) => parseAddressList(text, OPTIONS);

describe('parseRecipientArgument()', () => {
  test('refuses when nobody is named', () => {
    for (const text of ['', ' ', ',', '(a@x)', 'g:;'])
      expect(parseRecipientArgument(text, OPTIONS)).toEqual({
        mailboxes: [],
        refused: [{ text, reason: 'it names nobody' }],
      });
  });

  test('gives what parseAddressList() gives when somebody is named', () => {
    for (const text of ['a@x,b@y', 'root', '@', '<>', 'a@x, @'])
      expect(parseRecipientArgument(text, OPTIONS)).toEqual(parse(text));
  });
});

describe('parseSender()', () => {
  const good = (text: string, want: string | null) =>
    test(`takes ${JSON.stringify(text)}`, () => {
      const sender = parseSender(text, OPTIONS);
      expect('address' in sender && sender.address && formatAddress(sender.address)).toBe(want);
    });
  const bad = (text: string, reason: string) =>
    test(`refuses ${JSON.stringify(text)}`, () => expect(parseSender(text, OPTIONS)).toEqual({ reason }));

  good('', null);
  good('<>', null);
  good(' < > ', null);
  good('ann@x.y', 'ann@x.y');
  good('<ann@x.y>', 'ann@x.y');
  good('Ann Bee <ann@x.y>', 'ann@x.y');
  good('alice', 'alice@our.test');
  good('bounce+ann=x.y@z', 'bounce+ann=x.y@z');
  bad('a@x, b@x', 'it names more than one address');
  bad('a@x, @', 'local part is missing');
  bad('Ann <>', '"<>" can only be a sender');
  bad(',', 'it names nobody');
  bad('\n', 'it holds a control character');
  bad('<>\r\n', 'it holds a control character');
  bad('a@x\r\nDATA', 'it holds a control character');
  bad('a@x\0', 'it holds a control character');
  bad('a@1.1', 'domain looks like an IP address: write it in brackets');
});
