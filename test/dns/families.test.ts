import { expect, test } from 'vitest';
import { orderFamilies } from '../../src/dns/families.ts';

const MIXED = ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'];

test.each([
  ['any', MIXED],
  ['4', ['192.0.2.1', '192.0.2.2']],
  ['6', ['2001:db8::1', '2001:db8::2']],
  ['prefer-4', ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']],
  ['prefer-6', ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2']],
] as const)('orderFamilies() for %s', (preference, want) => {
  expect(orderFamilies(MIXED, preference)).toEqual(want);
});

test('orderFamilies() keeps what has no family', () => {
  for (const preference of ['4', '6', 'prefer-4', 'any'] as const) {
    expect(orderFamilies(['/run/lmtp:1'], preference)).toEqual(['/run/lmtp:1']);
    expect(orderFamilies(['smtp.example.org'], preference)).toEqual(['smtp.example.org']);
  }
});
