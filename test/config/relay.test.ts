import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRelay, type Relay } from '../../src/config/relay.ts';

function good(text: string, want: Partial<Relay>): void {
  expect(parseRelay(text)).toEqual({ relay: expect.objectContaining(want) });
}

function bad(text: string, why: string): string {
  const reading = parseRelay(text);
  expect([text, reading]).toEqual([text, { reason: expect.stringContaining(why) }]);
  return 'reason' in reading ? reading.reason : '';
}

describe('parseRelay()', () => {
  test('knows each scheme with its port and its TLS', () => {
    good('smtp://mx.test', { protocol: 'smtp', host: 'mx.test', port: 25, implicitTls: false, tls: 'verify' });
    good('smtps://mx.test', { protocol: 'smtp', port: 465, implicitTls: true, tls: 'verify' });
    good('smtp+starttls://mx.test', { protocol: 'smtp', port: 587, implicitTls: false, tls: 'verify' });
    good('lmtp://mx.test', { protocol: 'lmtp', port: 24, implicitTls: false, tls: 'may' });
    good('SMTPS://MX.Test.:2465/', { host: 'mx.test', port: 2465, display: 'smtps://mx.test:2465' });
    expect(parseRelay('smtp://mx.test')).not.toHaveProperty('relay.user');
  });

  test('asks for TLS on this machine too', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) good(`smtp://${host}:2525`, { tls: 'verify' });
  });

  test('takes the path of a socket', () => {
    const want = {
      protocol: 'lmtp',
      host: '/run/lmtp sock',
      port: 0,
      tls: 'none',
      display: 'lmtp+unix:/run/lmtp sock',
    } as const;
    good('lmtp+unix:/run/lmtp%20sock', want);
    good('lmtp+unix:///run/lmtp%20sock', want);
    bad('lmtp+unix:run/sock', 'does not start with one slash');
    bad('lmtp+unix://run/sock', 'does not start with one slash');
    bad('lmtp+unix:', 'does not start with one slash');
    bad('lmtp+unix:/a%00b', 'control characters');
    bad('lmtp+unix:/%zz', 'percent sign');
    bad(`lmtp+unix:/${'a'.repeat(107)}`, 'longer than 107 octets');
  });

  test('takes addresses, IPv6 in brackets', () => {
    good('smtp://192.0.2.1:2525', { host: '192.0.2.1', port: 2525, display: 'smtp://192.0.2.1:2525' });
    good('smtp://[2001:DB8::1]:26', { host: '2001:db8::1', port: 26, display: 'smtp://[2001:db8::1]:26' });
    good('smtp://[fe80::1%eth0]', { host: 'fe80::1%eth0' });
    bad('smtp://2001:db8::1', 'brackets');
    bad('smtp://[192.0.2.1]', 'no IPv6 address');
    bad('smtp://[::1', 'brackets');
    bad('smtp://[::1]x', 'only a port');
    bad('smtp://1.1', 'looks like an IP address');
  });

  test('takes a user, whose @ may be written as it is', () => {
    good('smtp://ann@mx.test', { user: 'ann', host: 'mx.test', display: 'smtp://mx.test:25' });
    good('smtps://ann%40example.org@mx.test', { user: 'ann@example.org' });
    good('smtps://ann@example.org@mx.test', { user: 'ann@example.org' });
    good('smtps://j%C3%B6rg%3a@mx.test', { user: 'jörg:' });
    bad('smtp://@mx.test', 'user is empty');
    bad('smtp://a%ff@mx.test', 'percent sign');
    bad('smtp://a%@mx.test', 'percent sign');
    for (const code of ['0d', '0a', '00', '7f', '09']) bad(`smtp://a%${code}b@mx.test`, 'control characters');
  });

  test('refuses a password and shows none of it', () => {
    for (const text of [
      'smtp://ann:secret@mx.test',
      'smtp://:secret@mx.test',
      'smtp://ann:se@secret@mx.test',
      'ann:secret@mx',
    ]) {
      expect(bad(text, 'Cannot use relay "')).not.toMatch(/se@|secret/);
    }
    bad('smtp://ann:secret@mx.test', '--password-file');
    expect(bad('smtp://ann:secret', 'port')).not.toContain('secret');
  });

  test('takes U-labels', () => {
    good('smtp://bücher.example', { host: 'xn--bcher-kva.example' });
  });

  test('refuses what it does not know', () => {
    for (const text of [
      '',
      'mx.test',
      'http://mx.test',
      'smtp:mx.test',
      'smtp:/mx.test',
      '__proto__://x',
      'constructor://x',
    ]) {
      bad(text, 'it is smtp://');
    }
    bad('smtp://', 'host is missing');
    bad('smtp://:25', 'host is missing');
    bad('smtp://mx.test/path', 'nothing may follow');
    bad('smtp://mx.test?x', 'nothing may follow');
    bad('smtp://mx.test#x', 'nothing may follow');
    for (const port of ['', '0', '65536', '123456', '-1', '1e3', '2 5'])
      bad(`smtp://mx.test:${port}`, port === '2 5' ? 'blanks' : 'port');
    bad('smtp://a..b', 'the host is none');
    bad(`smtp://${'a'.repeat(3000)}`, 'longer than 2048');
  });

  test('refuses CR, LF and NUL anywhere, and prints none of them', () => {
    for (const character of ['\r', '\n', '\0', ' ', '\x7f']) {
      expect(bad(`smtp://mx${character}.test`, 'control characters')).not.toContain(
        character === ' ' ? '\n' : character,
      );
    }
  });

  test('never throws, and never has a control character in what it gives', () => {
    const texts = fc.tuple(
      fc.constantFrom('', 'smtp://', 'lmtp+unix:/', 'smtps://a@'),
      fc.uint8Array({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(texts, ([scheme, rest]) => {
        const reading = parseRelay(scheme + Buffer.from(rest).toString('latin1'));
        const given = 'reason' in reading ? [reading.reason] : Object.values(reading.relay).map(String);
        for (const text of given) expect(text).not.toMatch(/[\0-\x1f\x7f]/);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
