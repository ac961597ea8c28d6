import { describe, expect, test } from 'vitest';
import { readDomain, readLiteral, toAscii, toUnicode } from '../../src/mail/domain.ts';

describe('toAscii() takes', () => {
  const good = (text: string, want: string) => test(JSON.stringify(text), () => expect(toAscii(text)).toBe(want));

  good('example.org', 'example.org');
  good('EXAMPLE.Org.', 'example.org');
  good('localhost', 'localhost');
  good('under_score.example', 'under_score.example');
  good('-a-.b--c.example', '-a-.b--c.example');
  good('1.2.3.4a', '1.2.3.4a');
  good('4.3.2.1.in-addr.arpa', '4.3.2.1.in-addr.arpa');
  good('163.com', '163.com');
  good('xn--bcher-kva.example', 'xn--bcher-kva.example');
  good('XN--BCHER-KVA.example', 'xn--bcher-kva.example');
  good('b\u00fccher.example', 'xn--bcher-kva.example');
  good('B\u00dcCHER.Example', 'xn--bcher-kva.example');
  good('bu\u0308cher.example', 'xn--bcher-kva.example');
  good('stra\u00dfe.example', 'xn--strae-oqa.example');
  good('\u4f8b\u3002jp', 'xn--fsq.jp');
  good('\u4f8b\uff0ejp\uff61', 'xn--fsq.jp');
  good('\uff41.example', 'a.example');
  good('\u{1f600}.example', 'xn--e28h.example');
  good(`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`);
  good(`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`);
});

describe('readDomain() refuses', () => {
  const bad = (text: string, reason: string) =>
    test(JSON.stringify(text), () => {
      expect(readDomain(text)).toEqual({ reason });
      expect(toAscii(text)).toBeUndefined();
    });
  const numeric = 'domain looks like an IP address: write it in brackets';
  const character = 'domain has a character that no domain may have';
  const idna = 'domain is not a valid internationalized name';
  const invisible = 'domain has an invisible character';

  bad('', 'domain is missing');
  bad('.', 'domain is missing');
  bad('a..b', 'domain has an empty label');
  bad('..', 'domain has an empty label');
  bad('\u00e9..b', 'domain has an empty label');
  bad('\u4f8b\u3002\u3002jp', 'domain has an empty label');
  bad(`${'a'.repeat(64)}.example`, 'domain has a label longer than 63 characters');
  bad(`${'\u00e9'.repeat(60)}.example`, 'domain has a label longer than 63 characters');
  bad(`${'a.'.repeat(126)}bc`, 'domain is longer than 253 characters');
  bad('\u00e9.'.repeat(500), 'domain is longer than 253 characters');
  bad('\u00e9'.repeat(1e6), 'domain is longer than 253 characters');
  bad('1.1', numeric);
  bad('1', numeric);
  bad('127.0.0.1', numeric);
  bad('127.0.0.1.', numeric);
  bad('a.0x7F', numeric);
  bad('0x', numeric);
  bad('\uff11.\uff11', numeric);
  bad('\uff11\uff12\uff17.0.0.1', numeric);
  bad('\uff10\uff58\uff17\uff46.1', numeric);
  bad('a b', character);
  bad('a\r\nb', character);
  bad('a\0', character);
  bad('a/b', character);
  bad('\u00e9/b', character);
  bad('\u00e9:80', character);
  bad('\u00e9%2eb', character);
  bad('b@\u00e9', character);
  bad('\u00e9\\b', character);
  bad('\u00e9?b', character);
  bad('\u00e9#b', character);
  bad('a[b', character);
  bad('\u00e9\u2100b', idna);
  bad('\u00e9\uff0fb', idna);
  bad('\u00e9\uff05b', idna);
  bad('a\u2028b', idna);
  bad('a\u0085b', idna);
  bad('a\ud800b', idna);
  bad('a\ufffdb', idna);
  bad('\u0301.example', idna);
  bad('\u00e9.xn--zzzz99999', idna);
  bad('exam\u200bple.org', invisible);
  bad('exam\u00adple.org', invisible);
  bad('\ufeffexample.org', invisible);
});

describe('readLiteral()', () => {
  const good = (text: string, want: string) =>
    test(`takes ${JSON.stringify(text)}`, () => expect(readLiteral(text)).toEqual({ domain: want }));
  const bad = (text: string) =>
    test(`refuses ${JSON.stringify(text)}`, () => expect(readLiteral(text)).toHaveProperty('reason'));

  good('192.0.2.1', '[192.0.2.1]');
  good('0.0.0.0', '[0.0.0.0]');
  good('255.255.255.255', '[255.255.255.255]');
  good('IPv6:::1', '[IPv6:::1]');
  good('IPV6:2001:0DB8:0:0:0:0:0:1', '[IPv6:2001:db8::1]');
  good('IPv6:1:2:3:4:5:6:7:8', '[IPv6:1:2:3:4:5:6:7:8]');
  good('IPv6:::ffff:192.0.2.1', '[IPv6:::ffff:c000:201]');

  bad('');
  bad('1.2.3');
  bad('1.2.3.4.5');
  bad('1.2.3.4.');
  bad('1.2.3.256');
  bad('01.2.3.4');
  bad('0x1.2.3.4');
  bad('\uff11.2.3.4');
  bad('2130706433');
  bad('::1');
  bad('x:y');
  bad('IPv6:');
  bad('IPv6:1.2.3.4');
  bad('IPv6:1::2::3');
  bad('IPv6:1:2:3:4:5:6:7');
  bad('IPv6:12345::1');
  bad('IPv6:::1%eth0');
  bad('IPv6:fe80::1%25eth0');
  bad('IPv6: ::1');
  bad('IPv6:[::1]');
  bad('X400:example');
  bad('example.org');
});

describe('toUnicode()', () => {
  const shown = (domain: string, want: string) =>
    test(`shows ${want} when the domain is ${domain}`, () => expect(toUnicode(domain)).toBe(want));

  shown('example.org', 'example.org');
  shown('xn--bcher-kva.example', 'b\u00fccher.example');
  shown('a_b.xn--fsq', 'a_b.\u4f8b');
  shown('xn--zzzz99999', 'xn--zzzz99999');
  shown('xn--bcher-kva.1.1', 'xn--bcher-kva.1.1');
  shown('[192.0.2.1]', '[192.0.2.1]');
  shown('1.1', '1.1');
});
