import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import { parseAddressList } from '../../src/mail/address-list.ts';

const OPTIONS = { domain: 'our.test' };
const parse = (text: string) => parseAddressList(text, OPTIONS);
const addresses = (text: string) => parse(text).mailboxes.map(({ address }) => formatAddress(address));

describe('parseAddressList() refuses', () => {
  const bad = (text: string, why: string, ...others: readonly string[]) =>
    test(`${JSON.stringify(text)}`, () => {
      expect(parse(text).refused.map(({ reason }) => reason)).toEqual(why.split(' / '));
      expect(addresses(text)).toEqual(others);
    });

  describe('what is no address', () => {
    bad('<>', '"<>" can only be a sender');
    bad('Ann <>', '"<>" can only be a sender');
    bad('@', 'local part is missing');
    bad('@b', 'local part is missing');
    bad('a@', 'domain is missing');
    bad('a@.', 'domain is missing');
    bad('a@b@c', 'domain has a "@"');
    bad('a..b@x', 'local part has a dot too many: quote it');
    bad('.a@x', 'local part has a dot too many: quote it');
    bad('a.@x', 'local part ends with a dot: quote it');
    bad('a"b"@x', 'local part is not one word');
    bad('a\\@b@x', 'local part has a "\\"');
    bad('[192.0.2.1]', 'local part has an address literal');
    bad('=?UTF-8?Q?Ann?=@x', 'local part has an encoded word');
    bad('a@"x.y"', 'domain has a quoted string');
    bad('a@x y', 'a name needs "<" and ">" around the address');
    bad('Ann a@x', 'a name needs "<" and ">" around the address');
    bad('Ann Bee', 'a name needs "<" and ">" around the address');
    bad('a@[192.0.2.1].x', 'domain has an address literal');
    bad('a@x:y', '":" stands where no group can begin');
    bad(': a@x', '":" stands where no group can begin');
    bad('g: h: a@x;', '":" stands where no group can begin');
    bad('<mailto:a@x>', 'local part has a ":"');
    bad('<@a>', 'a route has no ":" and address behind it');
    bad('<@a:>', 'a route has no ":" and address behind it');
  });

  describe('brackets and quotes that do not close', () => {
    bad('Ann <a@x', '"<" is not closed');
    bad('a@x>', '">" has no "<" before it');
    bad('><', '">" has no "<" before it');
    bad('<a@x>>', 'something stands behind the address: a comma may be missing');
    bad('<<a@x>>', '"<" stands between "<" and ">"');
    bad('<a@x> <b@x>', 'something stands behind the address: a comma may be missing');
    bad('<a@x> Ann', 'something stands behind the address: a comma may be missing');
    bad('"Ann <a@x>, b@x', 'a quoted string is not closed');
    bad('"a\\"', 'a quoted string is not closed');
    bad('b@x, a@x (was c@x, d@x', 'a comment is not closed', 'b@x');
    bad('a@x (b\\', 'a comment is not closed');
    bad('a)@x', 'local part has a ")"');
    bad('a@[192.0.2.1', 'domain has a "["');
  });

  describe('one and goes on with the others', () => {
    bad('a@x, @, b@x', 'local part is missing', 'a@x', 'b@x');
    bad('a@x, Ann b@x, c@x', 'a name needs "<" and ">" around the address', 'a@x', 'c@x');
    bad('<a@x, b@x>, c@x', '"<" is not closed / ">" has no "<" before it', 'c@x');
    bad('<@a, b@x, c@x', '"<" is not closed', 'b@x', 'c@x');
    bad('g: @; a@x', 'local part is missing', 'a@x');
    bad('=?UTF-8?Q?Bee, Ann <a@x>', 'it is a part of an encoded name', 'a@x');
    bad('=?a?q?,b@x,?= <c@x>', 'it is a part of an encoded name', 'b@x', 'c@x');
  });

  describe('domains', () => {
    const numeric = 'domain looks like an IP address: write it in brackets';
    bad('a@1.1', numeric);
    bad('a@2130706433', numeric);
    bad('a@127.0.0.1', numeric);
    bad('a@x.1', numeric);
    bad('a@0x7f000001', numeric);
    bad('a@\uff11.\uff11', numeric);
    bad('a@b..c', 'domain has an empty label');
    bad('a@.b', 'domain has an empty label');
    bad('a@b..', 'domain has an empty label');
    bad(`a@${'b'.repeat(64)}.c`, 'domain has a label longer than 63 characters');
    bad(`a@${'b.'.repeat(127)}c`, 'domain is longer than 253 characters');
    bad('a@b/c', 'domain has a character that no domain may have');
    bad('a@[127.0.0.256]', 'address literal is neither [IPv4] nor [IPv6:address]');
    bad('a@[IPv6:fe80::1%eth0]', 'address literal is neither [IPv4] nor [IPv6:address]');
  });

  describe('what would be dangerous on the wire', () => {
    const control = 'it holds a control character';
    const unsafe = 'local part has a character that is not safe or not UTF-8';
    bad('a@x\r\nRCPT TO:<b@x>', control);
    bad('a@x\n', control);
    bad('a@x\r\n b', control);
    bad('a\r@x', control);
    bad('a\0@x', control);
    bad('"a\r\nDATA"@x', control);
    bad('"a\\\r\\\n"@x', control);
    bad('Ann\r\n <a@x>', control);
    bad('"Ann\n" <a@x>', control);
    bad('a@x (\0)', control);
    bad('a@x\x7f', control);
    bad('a@[192.0.2.1\r\n]', `${control}`);
    bad('"a\tb"@x', unsafe);
    bad('a\u0085@x', unsafe);
    bad('a\u2028@x', unsafe);
    bad('a\u00a0@x', unsafe);
    bad('a\u202eb@x', unsafe);
    bad('a\ud83d@x', unsafe);
    bad('a\ufffd@x', unsafe);
    bad('a@x\u2028', 'domain is not a valid internationalized name');
    bad(`${'a'.repeat(901)}@x`, 'local part is longer than 900 octets');
  });
});
