import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDeviceCode, readGrant } from '../../src/oauth/answer.ts';

const JSON_TYPE = 'application/json';
const answer = (content: unknown, over: object = {}) => ({
  ...{ status: 200, type: JSON_TYPE, body: JSON.stringify(content) },
  ...over,
});
const TOKEN = { access_token: 'ya29.a0-_~+/=', token_type: 'Bearer' };

describe('readGrant()', () => {
  const good = (content: object, want: object) =>
    test(`reads ${JSON.stringify(content)}`, () =>
      expect(readGrant(answer(content))).toEqual({ kind: 'granted', ...want }));
  const access = TOKEN.access_token;
  good(TOKEN, { access, lifetime: 3_600_000 });
  good({ ...TOKEN, token_type: 'bearer', expires_in: 60 }, { access, lifetime: 60_000 });
  good({ ...TOKEN, expires_in: '3599', refresh_token: '1//0g' }, { access, lifetime: 3_599_000, refresh: '1//0g' });
  good({ ...TOKEN, expires_in: -1 }, { access, lifetime: 3_600_000 });
  good({ ...TOKEN, expires_in: 1e300 }, { access, lifetime: 30 * 86_400_000 });

  const bad = (name: string, given: object, why: RegExp) =>
    test(`refuses ${name}`, () => {
      const found = readGrant({ ...answer(TOKEN), ...given });
      expect(found.kind).toBe('nonsense');
      expect('reason' in found && found.reason).toMatch(why);
    });
  bad('a page', { type: 'text/html', body: '<html>' }, /^its answer is no JSON \(status 200, "text\/html"\)$/);
  bad('no type', { type: '' }, /^its answer is no JSON \(status 200, no type\)$/);
  bad('a type that hides a control', { type: 'x\x1b[2J' }, /"x\\x1b\[2J"/);
  bad('half of it', { body: '{"access_token":"a' }, /^its JSON can't be read/);
  bad('a list', { body: '[]' }, /^its JSON can't be read/);
  bad('a redirect', { status: 307 }, /^it leads elsewhere \(status 307\)$/);
  bad('a failure without a reason', { status: 500, body: '{}' }, /^it gives no reason \(status 500\)$/);
  bad('no token', { body: '{"token_type":"Bearer"}' }, /gives no access token$/);
  bad(
    'a token that ends its field',
    { body: JSON.stringify({ ...TOKEN, access_token: 'a\x01b' }) },
    /no access token$/,
  );
  bad(
    'a token for no login',
    { body: JSON.stringify({ ...TOKEN, access_token: 'a'.repeat(9001) }) },
    /no access token$/,
  );
  bad('a token of another kind', { body: JSON.stringify({ ...TOKEN, token_type: 'mac' }) }, /no bearer token$/);
  bad('a refresh token of two lines', { body: JSON.stringify({ ...TOKEN, refresh_token: 'a\nb' }) }, /refresh token/);

  test('gives an error by its name, with one line of its words', () => {
    const given = { error: 'invalid_grant', error_description: 'AADSTS70008: \x1b[31mexpired.\r\nTrace ID: 1' };
    expect(readGrant(answer(given, { status: 400 }))).toEqual({
      ...{ kind: 'error', error: 'invalid_grant', text: 'invalid_grant: "AADSTS70008: \\x1b[31mexpired."' },
    });
    expect(readGrant(answer({ error: 'a\nb' }))).toEqual({ kind: 'error', error: 'an error', text: 'an error' });
  });

  test('never throws, and says nothing that spoils a line', () => {
    const content = fc.oneof(
      fc.json(),
      fc.record(
        { access_token: fc.string({ unit: 'binary' }), token_type: fc.string(), error: fc.string({ unit: 'binary' }) },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(content, fc.nat(599), fc.string({ unit: 'binary' }), (given, status, type) => {
        const body = typeof given === 'string' ? given : JSON.stringify(given);
        for (const read of [readGrant, readDeviceCode]) {
          const found = read({ status, body, type: status % 2 === 0 ? JSON_TYPE : type });
          const said = 'text' in found ? found.text : 'reason' in found ? found.reason : '';
          expect(said).toMatch(/^[^\p{Cc}]{0,400}$/u);
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('readDeviceCode()', () => {
  const CODE = { device_code: 'd', user_code: 'WDJB-MJHT', verification_uri: 'https://p.test/d' };

  test('reads a code with its times, which are within bounds', () => {
    const want = { kind: 'device', device: 'd', user: 'WDJB-MJHT', url: 'https://p.test/d' };
    expect(readDeviceCode(answer(CODE))).toEqual({ ...want, interval: 5000, lifetime: 600_000 });
    const { verification_uri: url, ...rest } = CODE;
    const given = { ...rest, verification_url: url, interval: 0, expires_in: 9e9 };
    expect(readDeviceCode(answer(given))).toEqual({ ...want, interval: 1000, lifetime: 1_800_000 });
  });

  test.each([
    ['no device code', { device_code: undefined }],
    ['a code that moves the cursor', { user_code: 'A\x1b[2J' }],
    ['a code as long as a page', { user_code: 'A'.repeat(65) }],
    ['a page in the clear', { verification_uri: 'http://p.test/' }],
    ['a page that hides its end', { verification_uri: 'https://p.test/\u202egro' }],
  ])('refuses %s', (_, over) => {
    expect(readDeviceCode(answer({ ...CODE, ...over })).kind).toBe('nonsense');
  });
});
