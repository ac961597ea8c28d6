import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluateSpf } from '../../src/doctor/spf.ts';
import { inNetwork, parseSpf } from '../../src/doctor/spf-record.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const ME = '192.0.2.7';
const spf = (record: string, zones: MockZones = {}, address = ME) =>
  evaluateSpf('a.test', address, mockResolver({ ...zones, TXT: { 'a.test': ['v=x', record], ...zones.TXT } }));

describe('parseSpf()', () => {
  const bad = (text: string, why: RegExp) =>
    test(`refuses ${text}`, () => expect(parseSpf(`v=spf1 ${text}`)).toEqual({ reason: expect.stringMatching(why) }));
  bad('ip4:192.0.2.1/33 -all', /ip4/);
  bad('ip4:2001:db8::1', /ip4/);
  bad('ip6:192.0.2.1', /ip6/);
  bad('ip6:2001:db8::/129', /ip6/);
  bad('a/33', /a\/33/);
  bad('a//129', /a\/\/129/);
  bad('include', /include/);
  bad('all:x', /all:x/);
  bad('foo', /foo/);
  bad('+-all', /\+-all/);
  bad('redirect=a.test redirect=b.test', /redirect/);
  bad('redirect=', /redirect/);

  test('reads what servers publish, and passes over what it does not know', () => {
    const text = 'v=spf1 +mx a:b.test/24//64 ip4:192.0.2.0/24 ?ip6:2001:db8::/32 ~all exp=why.test foo=bar';
    expect(parseSpf(text)).toEqual({
      record: {
        terms: [
          { text: '+mx', result: 'pass', mechanism: { kind: 'mx', prefix4: 32, prefix6: 128 } },
          {
            text: 'a:b.test/24//64',
            result: 'pass',
            mechanism: { kind: 'a', domain: 'b.test', prefix4: 24, prefix6: 64 },
          },
          { text: 'ip4:192.0.2.0/24', result: 'pass', mechanism: { kind: 'ip', octets: [192, 0, 2, 0], prefix: 24 } },
          expect.objectContaining({
            result: 'neutral',
            mechanism: expect.objectContaining({ kind: 'ip', prefix: 32 }),
          }),
          { text: '~all', result: 'softfail', mechanism: { kind: 'all' } },
        ],
      },
    });
  });

  test('never throws, and knows a network of every length', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60 }),
        fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
        fc.nat(32),
        (text, octets, prefix) => {
          expect(typeof parseSpf(`v=spf1 ${text}`)).toBe('object');
          expect(inNetwork(octets, octets, prefix)).toBe(true);
          const other = octets.map((octet, index) =>
            index === Math.floor((prefix - 1) / 8) ? octet ^ (0x80 >> ((prefix - 1) % 8)) : octet,
          );
          expect(inNetwork(other, octets, prefix)).toBe(prefix === 0);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('evaluateSpf()', () => {
  const gives = (record: string, result: string, zones?: MockZones, address?: string) =>
    test(`${record} gives ${result}${address === undefined ? '' : ` for ${address}`}`, async () => {
      expect(await spf(record, zones, address)).toMatchObject({ result });
    });
  gives('v=spf1 -all', 'fail');
  gives('v=spf1 ~all', 'softfail');
  gives('v=spf1 ?all', 'neutral');
  gives('v=spf1', 'neutral');
  gives('v=spf1 all', 'pass');
  gives('v=spf10 all', 'none');
  gives('v=spf1 ip4:192.0.2.0/29 -all', 'pass');
  gives('v=spf1 ip4:192.0.2.8/29 -all', 'fail');
  gives('v=spf1 ip6:2001:db8::/32 -all', 'pass', {}, '2001:db8:1::5');
  gives('v=spf1 ip4:192.0.2.7 -all', 'pass', {}, '::ffff:192.0.2.7');
  gives('v=spf1 a -all', 'pass', { A: { 'a.test': [ME] } });
  gives('v=spf1 a:b.test/24 -all', 'pass', { A: { 'b.test': ['192.0.2.99'] } });
  gives('v=spf1 a -all', 'pass', { AAAA: { 'a.test': ['2001:db8::5'] } }, '2001:db8::5');
  gives('v=spf1 mx -all', 'pass', { MX: { 'a.test': ['10 m.test'] }, A: { 'm.test': [ME] } });
  gives('v=spf1 mx -all', 'fail', { MX: { 'a.test': ['10 m.test'] }, A: { 'm.test': ['192.0.2.8'] } });
  gives('v=spf1 exists:e.test -all', 'pass', { A: { 'e.test': ['127.0.0.2'] } });
  gives('v=spf1 include:i.test -all', 'pass', { TXT: { 'i.test': ['v=spf1 ip4:192.0.2.7 -all'] } });
  gives('v=spf1 include:i.test ~all', 'softfail', { TXT: { 'i.test': ['v=spf1 -all'] } });
  gives('v=spf1 include:i.test -all', 'permerror');
  gives('v=spf1 redirect=r.test', 'fail', { TXT: { 'r.test': ['v=spf1 -all'] } });
  gives('v=spf1 redirect=r.test', 'permerror');
  gives('v=spf1 ip4:192.0.2.7 redirect=r.test', 'pass');
  gives('v=spf1 include:a.test -all', 'permerror');
  gives('v=spf1 a:x.test a:y.test a:z.test all', 'permerror');
  gives('v=spf1 exists:%{i}.e.test -all', 'unknown');
  gives('v=spf1 redirect=%{d}.e.test', 'unknown');
  gives('v=spf1 ptr -all', 'unknown');
  gives('v=spf1 include:i.test -all', 'temperror', { fail: ['TXT i.test'] });
  gives('v=spf1 a -all', 'temperror', { fail: ['A a.test'] });
  gives('v=spf1 foo', 'permerror');

  test('counts ten look-ups, and no more', async () => {
    const names = Array.from({ length: 11 }, (_, index) => `a:h${index}.test`);
    const A = Object.fromEntries(names.map((name) => [name.slice(2), ['192.0.2.200']]));
    expect(await spf(`v=spf1 ${names.slice(0, 10).join(' ')} all`, { A })).toMatchObject({ result: 'pass' });
    expect(await spf(`v=spf1 ${names.join(' ')} all`, { A })).toEqual({
      result: 'permerror',
      why: 'it asks for more than 10 look-ups',
    });
  });

  test('says what matched, and that there is none, or too many', async () => {
    expect(await spf('v=spf1 ip4:192.0.2.7 -all')).toEqual({ result: 'pass', why: '"ip4:192.0.2.7" of a.test' });
    expect(await evaluateSpf('b.test', ME, mockResolver({}))).toEqual({
      result: 'none',
      why: 'b.test has no SPF record',
    });
    const two = mockResolver({ TXT: { 'b.test': ['v=spf1 all', 'v=spf1 -all'] } });
    expect(await evaluateSpf('b.test', ME, two)).toEqual({ result: 'permerror', why: 'b.test has 2 SPF records' });
    expect(await evaluateSpf('b.test', 'nowhere', two)).toMatchObject({ result: 'unknown' });
  });
});
