import { expect, test } from 'vitest';
import { isTrusted, parseResolvConf, withServers } from '../../src/dns/resolv-conf.ts';

const USUAL = {
  servers: [{ address: '127.0.0.1', port: 53 }],
  timeout: 5000,
  attempts: 2,
  rotate: false,
  trustAd: false,
  useTcp: false,
};

function good(text: string, want: Partial<typeof USUAL>): void {
  expect(parseResolvConf(text)).toEqual({ ...USUAL, ...want });
}
const servers = (...addresses: string[]) => ({ servers: addresses.map((address) => ({ address, port: 53 })) });

test('parseResolvConf() reads name servers and options (N24)', () => {
  good('nameserver 192.0.2.1\nnameserver 2001:db8::1\n', servers('192.0.2.1', '2001:db8::1'));
  good('nameserver fe80::1%eth0', servers('fe80::1%eth0'));
  good('\t nameserver \t 192.0.2.1 \t# ours\r\nnameserver 192.0.2.2;x', servers('192.0.2.1', '192.0.2.2'));
  good('options timeout:1 attempts:3 rotate edns0 trust-ad use-vc', {
    timeout: 1000,
    attempts: 3,
    rotate: true,
    trustAd: true,
    useTcp: true,
  });
  good('options timeout:1\noptions rotate', { timeout: 1000, rotate: true });
});

test('parseResolvConf() takes the server on this machine when the file names none (N24)', () => {
  for (const text of ['', '\n\n', '# nameserver 192.0.2.1', 'nameserver', 'search example.org\noptions ndots:5'])
    good(text, {});
});

test('parseResolvConf() passes over what it can not use', () => {
  good('nameserver dns.example.org\nnameserver 1.2.3\nnameserver 192.0.2.300\nNAMESERVER 192.0.2.1', {});
  good('options timeout attempts:x timeout:-1 attempts:', {});
  good('options timeout:0 attempts:0', { timeout: 1000, attempts: 1 });
  good('options timeout:99999 attempts:99999', { timeout: 30_000, attempts: 5 });
  good('nameserver 192.0.2.1\n'.repeat(4), servers('192.0.2.1', '192.0.2.1', '192.0.2.1'));
  good(`${'#'.repeat(70_000)}\nnameserver 192.0.2.1`, {});
});

test('withServers() does not hand on the trust in other servers', () => {
  const settings = parseResolvConf('nameserver 192.0.2.1\noptions trust-ad rotate');
  expect(withServers(settings, undefined)).toBe(settings);
  expect(withServers(settings, [])).toBe(settings);
  const own = [{ address: '192.0.2.9', port: 5353 }];
  expect(withServers(settings, own)).toEqual({ ...settings, servers: own, trustAd: false });
});

test('isTrusted() believes servers on loopback, and others where it is told to (T23)', () => {
  const trusts = (address: string, trustAd: boolean): boolean => isTrusted({ address, port: 53 }, { trustAd });
  expect([trusts('127.0.0.53', false), trusts('::1', false)]).toEqual([true, true]);
  expect([trusts('192.0.2.1', false), trusts('fe80::1%eth0', false), trusts('0.0.0.0', false)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(trusts('192.0.2.1', true)).toBe(true);
});
