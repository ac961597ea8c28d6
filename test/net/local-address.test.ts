import { expect, test } from 'vitest';
import { addressOctets, isLocalAddress, sameAddress } from '../../src/net/local-address.ts';

test('isLocalAddress() says why mail may not go to an address (N12)', () => {
  const bad = (reason: string, ...addresses: string[]): void => {
    for (const address of addresses) expect([address, isLocalAddress(address)]).toEqual([address, reason]);
  };
  bad('loopback', '127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1');
  bad('loopback', '::127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::');
  bad('unspecified', '0.0.0.0', '0.1.2.3', '::', '::0.0.0.0', '::ffff:0:0', '64:ff9b::');
  bad('link-local', '169.254.0.1', 'fe80::1', 'FEBF::1', 'fe80::1%eth0', '::ffff:169.254.1.1');
  bad('multicast', '224.0.0.1', '239.255.255.255', 'ff02::1', '::ffff:224.0.0.1');
  bad('broadcast', '255.255.255.255', '::ffff:255.255.255.255');
  bad('reserved', '240.0.0.1', '64:ff9b::f000:1');
  bad(
    'not an address',
    '',
    'localhost',
    '127.1',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.4.5',
    '256.1.1.1',
    ' 1.2.3.4',
    '1.2.3.4\n',
  );
  bad(
    'not an address',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::12345',
    '::g',
    '1.2.3.4::',
    '::1%',
  );
  bad('not an address', '1:2:3:4:5:6:7::8', '::1:', ':1::', '[::1]', ':'.repeat(10_000));
});

test('isLocalAddress() lets through what is on another machine, private networks too (N12)', () => {
  const far = ['192.0.2.1', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '8.8.8.8', '2001:db8::1', 'fd00::1'];
  const more = [
    '64:ff9b::192.0.2.1',
    '64:ff9b::a00:1',
    '2002:c000:201::1',
    '::ffff:192.0.2.1',
    'fec0::1',
    '1:2:3:4:5:6:7::',
  ];
  for (const address of [...far, ...more]) expect([address, isLocalAddress(address)]).toEqual([address, undefined]);
});

test('addressOctets() reads each spelling of an address', () => {
  expect(addressOctets('192.0.2.255')).toEqual([192, 0, 2, 255]);
  const want = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1];
  for (const text of [
    '2001:db8::c000:201',
    '2001:DB8::192.0.2.1',
    '2001:db8:0:0:0:0:c000:0201',
    '2001:db8::c000:201%1',
  ]) {
    expect(addressOctets(text)).toEqual(want);
  }
});

test('sameAddress() compares addresses, not texts', () => {
  expect(sameAddress('::1', '0:0::1')).toBe(true);
  expect(sameAddress('::ffff:192.0.2.1', '192.0.2.1')).toBe(true);
  expect(sameAddress('192.0.2.1', '192.0.2.2')).toBe(false);
  expect(sameAddress('mx.test', 'mx.test')).toBe(false);
});
