import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStsPolicy, matchesMx, parseStsPolicy, readStsRecord, type StsPolicy } from '../../src/tls/mta-sts.ts';

describe('readStsRecord() reads the TXT records of _mta-sts', () => {
  const good = (texts: readonly string[], id: string): void =>
    test(`${JSON.stringify(texts)} has the id ${id}`, () =>
      expect(readStsRecord(texts)).toEqual({ kind: 'record', id }));
  const bad = (texts: readonly string[], reason: RegExp): void =>
    test(`${JSON.stringify(texts)} does not count`, () =>
      expect(readStsRecord(texts)).toEqual({ kind: 'broken', reason: expect.stringMatching(reason) }));

  good(['v=STSv1; id=20160831085700Z;'], '20160831085700Z');
  good(['v=STSv1;id=1'], '1');
  good(['v=STSv1 ; x-y.z=~ok! ; id=abc ; '], 'abc');
  good(['v=spf1 -all', 'v=STSv1; id=1', 'v=STSv12; id=2'], '1');
  good(['v=STSv1; id=1; id=2'], '1');
  good([`v=STSv1; id=${'a'.repeat(32)}`], 'a'.repeat(32));
  bad(['v=STSv1; id=1', 'v=STSv1; id=1'], /^there are 2 records, and one is allowed$/);
  bad(['v=STSv1;'], /^it has no id$/);
  bad(['v=STSv1'], /^it has no id$/);
  bad(['v=STSv1 id=1'], /^no ";" follows "v=STSv1" in "v=STSv1 id=1"$/);
  bad([`v=STSv1; id=${'a'.repeat(33)}`], /is not of 1 to 32 letters and digits$/);
  bad(['v=STSv1; id=2026-01-01'], /^its id "2026-01-01" is not of/);
  bad(['v=STSv1; id=1; nonsense'], /^"nonsense" is no field$/);
  bad(['v=STSv1; id = 1'], /^"id = 1" is no field$/);
  bad(['v=STSv1;; id=1'], /^"" is no field$/);

  test('other records are none', () => {
    for (const texts of [[], ['v=spf1 -all'], ['V=STSv1; id=1'], [' v=STSv1; id=1']]) {
      expect(readStsRecord(texts)).toEqual({ kind: 'none' });
    }
  });
});

describe('parseStsPolicy() reads a policy', () => {
  const good = (text: string, policy: StsPolicy): void =>
    test(`${JSON.stringify(text)} is one`, () => expect(parseStsPolicy(text)).toEqual({ policy }));
  const bad = (text: string, reason: RegExp): void =>
    test(`${JSON.stringify(text.slice(0, 100))} is none`, () =>
      expect(parseStsPolicy(text)).toEqual({ reason: expect.stringMatching(reason) }));
  const rest = 'mode: enforce\nmx: a.test\nmax_age: 1\n';

  // RFC 8461, section 3.2.
  good(
    'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n',
    { mode: 'enforce', mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'], maxAge: 604_800 },
  );
  good('max_age:86400\nmx:MX.Test.\t\nmode:testing\nversion:STSv1'.replace('Test.', 'Test'), {
    mode: 'testing',
    mx: ['mx.test'],
    maxAge: 86_400,
  });
  good('version: STSv1\nmode: none\nmax_age: 0\n\n', { mode: 'none', mx: [], maxAge: 0 });
  good(`version: STSv1\nx-later.field: what ever: it is\n${rest}mode: none\nmax_age: 9\n`, {
    ...{ mode: 'enforce', mx: ['a.test'], maxAge: 1 },
  });
  bad('', /^"" is no line of "key: value"$/);
  bad(rest, /^it has no version$/);
  bad(`version: STSv2\n${rest}`, /^version is "STSv2", and must be "STSv1"$/);
  bad(
    `version: STSv1\n${rest}`.replace('enforce', 'Enforce'),
    /^mode is "Enforce", and must be "enforce", "testing" or/,
  );
  bad('version: STSv1\nmx: a.test\nmax_age: 1', /^it has no mode$/);
  bad(
    `version: STSv1\n${rest}`.replace('max_age: 1', 'max_age: 31557601'),
    /^max_age is "31557601", and must be a number/,
  );
  bad(`version: STSv1\n${rest}`.replace('max_age: 1', 'max_age: -1'), /^max_age is "-1"/);
  bad('version: STSv1\nmode: enforce\nmx: a.test', /^it has no max_age$/);
  bad('version: STSv1\nmode: enforce\nmax_age: 1', /^it names no mx$/);
  bad(`version: STSv1\nmx: 10 a.test\n${rest}`, /^mx "10 a\.test" is no host name$/);
  bad(`version: STSv1\nmx: a.*.test\n${rest}`, /^mx "a\.\*\.test" is no host name$/);
  bad(`version: STSv1\nmx: *\n${rest}`, /^mx "\*" is no host name$/);
  bad(`version: STSv1\n\n${rest}`, /^"" is no line/);
  bad(`version : STSv1\n${rest}`, /^"version : STSv1" is no line/);
  bad(`\uFEFFversion: STSv1\n${rest}`, /is no line/);
  bad('<!DOCTYPE html><html><body>Not found</body></html>', /^"<!DOCTYPE html>/);
  bad(`version: STSv1\r${rest}`, /is no line/);

  test('any text is read in its time, and has a reason or a policy', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        const read = parseStsPolicy(text);
        expect('reason' in read ? read.reason.length : read.policy.mx.length).toBeGreaterThanOrEqual(0);
      }),
      { seed: 5, numRuns: 200 },
    );
    const long = `version: STSv1\n${`mx: ${'a-'.repeat(30)}a.test\n`.repeat(900)}${'x'.repeat(5_000)}: ${' '.repeat(5_000)}`;
    const start = performance.now();
    expect(parseStsPolicy(long)).toHaveProperty('reason');
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('matchesMx() holds a host against a pattern', () => {
  const good = (pattern: string, host: string): void =>
    test(`${pattern} names ${host}`, () => expect(matchesMx(pattern, host)).toBe(true));
  const bad = (pattern: string, host: string): void =>
    test(`${pattern} does not name ${host}`, () => expect(matchesMx(pattern, host)).toBe(false));
  good('mx.example.org', 'mx.example.org');
  good('MX.example.org', 'mx.EXAMPLE.org');
  good('mx.example.org', 'mx.example.org.');
  good('*.example.org', 'mx.example.org');
  bad('*.example.org', 'example.org');
  bad('*.example.org', 'a.mx.example.org');
  bad('*.example.org', '.example.org');
  bad('*.example.org', 'mxexample.org');
  bad('example.org', 'mx.example.org');
  bad('mx.example.org', 'mx.example.com');
});

describe('isStsPolicy() knows what parseStsPolicy() could have read', () => {
  const whole = { mode: 'enforce', mx: ['a.test'], maxAge: 1 };
  test.each([
    whole,
    { ...whole, mode: 'testing', mx: ['*.a.test', 'b.test'] },
    { ...whole, mode: 'none', mx: [] },
    { ...whole, maxAge: 31_557_600 },
  ])('%j is one', (value) => expect(isStsPolicy(value)).toBe(true));
  test.each([
    ...[undefined, null, [], 'x', {}, { ...whole, mode: 'Enforce' }, { ...whole, mx: [] }, { ...whole, mx: 'a.test' }],
    ...[
      { ...whole, mx: ['A.test'] },
      { ...whole, mx: ['a.test', 1] },
      { ...whole, mx: [`${'a.'.repeat(128)}test`] },
    ],
    ...[
      { ...whole, maxAge: -1 },
      { ...whole, maxAge: 31_557_601 },
      { ...whole, maxAge: 0.5 },
    ],
    ...[
      { ...whole, maxAge: '1' },
      { ...whole, maxAge: Number.NaN },
    ],
  ])('%j is none', (value) => expect(isStsPolicy(value)).toBe(false));
});
