import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import { parseAddressList } from '../../src/mail/address-list.ts';

const OPTIONS = { domain: 'our.test' };
const parse = (text: string) => parseAddressList(text, OPTIONS);
const addresses = (text: string) => parse(text).mailboxes.map(({ address }) => formatAddress(address));
const named = (text: string) =>
  parse(text).mailboxes.map(({ address, name }) => `${name ?? ''}|${formatAddress(address)}`);

describe('parseAddressList() takes', () => {
  const good = (text: string, ...want: readonly string[]) =>
    test(`${JSON.stringify(text)}`, () => {
      expect(parse(text).refused).toEqual([]);
      expect(addresses(text)).toEqual(want);
    });

  describe('one address', () => {
    good('ann@example.org', 'ann@example.org');
    good('  ann@example.org\t', 'ann@example.org');
    good('<ann@example.org>', 'ann@example.org');
    good('Ann.B+tag@EXAMPLE.org', 'Ann.B+tag@example.org');
    good("!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*+-/=?^_`{|}~@x.y");
    good('-bs@example.org', '-bs@example.org');
    good('a%b@c', 'a%b@c');
    good('a@localhost', 'a@localhost');
    good('mailto:ann@example.org', 'ann@example.org');
    good('ann@example.org (Ann (at home) \\) here)', 'ann@example.org');
    good('a(1)@(2)b(3).(4)c(5)', 'a@b.c');
    good('a . b @ c . d', 'a.b@c.d');
  });

  describe('quoted local parts', () => {
    good('"ann"@x.y', 'ann@x.y');
    good('"a b"@x.y', '"a b"@x.y');
    good('"a\\"b\\\\c"@x.y', '"a\\"b\\\\c"@x.y');
    good('"a\\b"@x.y', 'ab@x.y');
    good('"a@b"@x.y', '"a@b"@x.y');
    good('"a,b;c:d<e>(f)"@x.y', '"a,b;c:d<e>(f)"@x.y');
    good('"a..b"@x.y', '"a..b"@x.y');
    good('a."b c".d@x.y', '"a.b c.d"@x.y');
    good('""@x.y', '""@x.y');
  });

  describe('addresses without a domain', () => {
    good('root', 'root@our.test');
    good('first.last', 'first.last@our.test');
    good('Cron <root>', 'root@our.test');
    good('"a b"', '"a b"@our.test');
    good('root, ann@x.y', 'root@our.test', 'ann@x.y');
  });

  describe('names as real mail has them', () => {
    good('Ann Bee <a@x.y>', 'a@x.y');
    good('John Q. Public <a@x.y>', 'a@x.y');
    good('"Bee, Ann" <a@x.y>', 'a@x.y');
    good('"Ann"<a@x.y>', 'a@x.y');
    good('a@x.y <b@x.y>', 'b@x.y');
    good('[List] Ann <a@x.y>', 'a@x.y');
    good('Ann [home <a@x.y>', 'a@x.y');
    good('Ann :-) <a@x.y>', 'a@x.y');
    good('Ann \\o/ <a@x.y>', 'a@x.y');
    good('J\u00f8rgen \u706b <a@x.y>', 'a@x.y');
    good('\ufffd\ufffd <a@x.y>', 'a@x.y');
    good('=?UTF-8?Q?Bee,_Ann?= <a@x.y>', 'a@x.y');
    good('=?utf-8?B?QQ==?= =?utf-8?B?Qg==?= <a@x.y>', 'a@x.y');
  });

  describe('lists and groups', () => {
    good('');
    good(' , ,, ');
    good('(nobody)');
    good('a@x.y,,b@x.y,', 'a@x.y', 'b@x.y');
    good('a@x.y; b@x.y;', 'a@x.y', 'b@x.y');
    good('a@x.y,a@x.y', 'a@x.y', 'a@x.y');
    good('undisclosed-recipients:;');
    good('undisclosed-recipients:');
    good('g: a@x.y, B <b@x.y>;', 'a@x.y', 'b@x.y');
    good('"A Group" (of two):a@x.y,,b@x.y;, c@x.y', 'a@x.y', 'b@x.y', 'c@x.y');
    good('g: a@x.y; h: b@x.y', 'a@x.y', 'b@x.y');
    good('A Group(Some people)\t:Chris Jones <c@(Chris)x.y>, joe@x.y;', 'c@x.y', 'joe@x.y');
  });

  describe('routes, which are dropped', () => {
    good('<@a,@b:c@d>', 'c@d');
    good('N <@a.b , ,@c: d@e.f>, g@h', 'd@e.f', 'g@h');
  });

  describe('literals and foreign letters', () => {
    good('a@[192.0.2.1]', 'a@[192.0.2.1]');
    good('a@[ 192.0.2.1 ]', 'a@[192.0.2.1]');
    good('<a@[ipv6:2001:DB8:0:0::1]>', 'a@[IPv6:2001:db8::1]');
    good('j\u00f8ran@b\u00fccher.example', 'j\u00f8ran@xn--bcher-kva.example');
    good('a@\u4f8b\u3002jp', 'a@xn--fsq.jp');
    good('\u{1f600}@x.y', '\u{1f600}@x.y');
    good('\u0646\u200c\u0645@x.y', '\u0646\u200c\u0645@x.y');
  });
});

describe('parseAddressList()', () => {
  const name = (text: string, ...want: readonly string[]) =>
    test(`gives names when the text is ${JSON.stringify(text)}`, () => expect(named(text)).toEqual(want));

  name('a@x.y', '|a@x.y');
  name('"Bee, \\"A\\"" <a@x.y>', 'Bee, "A"|a@x.y');
  name('John  Q.\tPublic <a@x.y>', 'John Q. Public|a@x.y');
  name('root (Cron Daemon)', 'Cron Daemon|root@our.test');
  name('Ann (work) <a@x.y>', 'Ann|a@x.y');
  name('Ann\u0085Bee\u2028 <a@x.y>', 'Ann Bee|a@x.y');
  name('"" <a@x.y>', '|a@x.y');

  test('tells which addresses had no domain', () => {
    expect(parse('root, a@x.y').mailboxes).toEqual([
      { address: { local: 'root', domain: 'our.test' }, unqualified: true },
      { address: { local: 'a', domain: 'x.y' } },
    ]);
  });

  test('refuses addresses without a domain when there is no good one to add', () => {
    for (const domain of ['', 'x\r\ny', '1.1'])
      expect(parseAddressList('root, a@x.y', { domain })).toEqual({
        mailboxes: [{ address: { local: 'a', domain: 'x.y' } }],
        refused: [{ text: 'root', reason: 'it has no domain, and there is none of our own to add' }],
      });
    expect(parseAddressList('root', { domain: '[192.0.2.1]' }).mailboxes[0]?.address.domain).toBe('[192.0.2.1]');
  });

  test('takes the white space of folding when the text is folded', () => {
    const folded = 'Ann\r\n <a@x.y>\r\n ,\n\tb@x.y, "c\r\n d"@x.y (e\r\n f)\r\n';
    const list = parseAddressList(folded, { ...OPTIONS, folded: true });
    expect(list.refused).toEqual([]);
    expect(list.mailboxes.map(({ address }) => formatAddress(address))).toEqual(['a@x.y', 'b@x.y', '"c d"@x.y']);
  });

  test('refuses line ends that fold nothing when the text is folded', () => {
    for (const text of ['a@x\r\nb', 'a@x\r b', 'a\n@x', '"a\r\nb"@x', 'a@x (\r\nb)'])
      expect(parseAddressList(text, { ...OPTIONS, folded: true }).mailboxes).toEqual([]);
  });

  test('gives the refused text on one line and bounded', () => {
    expect(parse('a\r\n@x').refused[0]?.text).toBe('a\\x0d\\x0a@x');
    expect(parse(`b@x, a@${'\u2028'.repeat(1e4)}`).refused[0]?.text).toHaveLength(200);
  });

  test('allows local parts longer than 64 octets', () => {
    expect(addresses(`${'a'.repeat(900)}@x.y`)).toEqual([`${'a'.repeat(900)}@x.y`]);
  });
});
