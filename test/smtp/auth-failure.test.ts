import { describe, expect, test } from 'vitest';
import type { Failure } from '../../src/mail/result.ts';
import { type AuthOptions, authenticate } from '../../src/smtp/auth.ts';
import { WireError } from '../../src/smtp/dialogue.ts';
import type { Credentials } from '../../src/smtp/sasl/exchange.ts';
import { play } from '../support/play.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TIM: Credentials = { user: 'tim', password: 'tanstaaftanstaaf' };
const TLS: AuthOptions = { encrypted: true, nonce: 'rOprNGfwEbeRWgbNEkqO' };
const CLEAR: AuthOptions = { ...TLS, encrypted: false };
const PLAIN_TIM = 'AHRpbQB0YW5zdGFhZnRhbnN0YWFm';

interface Case {
  readonly credentials?: Credentials;
  readonly options?: AuthOptions;
}

/** Logs in against a script; the server offers these words. */
const attempt = (offered: string, script: string, { credentials = TIM, options = TLS }: Case = {}) =>
  play(authenticate(credentials, offered.split(' ').filter(Boolean), options), script).value;

describe('authenticate() when no mechanism can be used', () => {
  const bad = (offered: string, want: Partial<Failure>, given?: Case) =>
    test(`sends nothing: ${want.text}`, () => {
      const failure = attempt(offered, '', given);
      expect(failure).toMatchObject({ scope: 'host', stage: 'auth', permanent: true, ...want });
      expect(failure?.advice ?? 'None').toMatch(/^[A-Z].*[^.]$/);
    });
  const asking = (mechanism: AuthOptions['mechanism']): Case => ({
    options: { ...TLS, ...(mechanism && { mechanism }) },
  });

  bad('', {
    status: '5.7.4',
    text: 'Cannot log in: the server offers no AUTH, the credentials serve for SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN',
  });
  bad('GSSAPI', {
    status: '5.7.4',
    text: 'Cannot log in: the server offers GSSAPI, the credentials serve for SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN',
  });
  bad('XOAUTH2', { advice: 'Where the password is an access token, say --auth XOAUTH2' });
  bad(
    'PLAIN',
    { text: 'Cannot log in: the server offers PLAIN, the credentials serve for OAUTHBEARER, XOAUTH2' },
    { credentials: { user: 'tim', token: 't' } },
  );
  bad('PLAIN', { text: 'Cannot log in: the server offers PLAIN, CRAM-MD5 was asked for' }, asking('CRAM-MD5'));
  bad('PLAIN', { status: '5.7.8', text: 'Cannot log in: user and password are needed' }, { credentials: {} });
  bad('PLAIN', { text: 'Cannot log in: user and password are needed' }, { credentials: { user: 'tim' } });
  bad('PLAIN', { text: 'Cannot log in: user and password are needed' }, { credentials: { user: '', password: 'p' } });
  bad('PLAIN', { text: 'Cannot log in: PLAIN needs a user and a password' }, { ...asking('PLAIN'), credentials: {} });
  for (const word of ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256']) {
    bad(
      word,
      { status: '5.7.11', text: `Cannot log in: the connection is not encrypted, and the server offers ${word}` },
      { options: CLEAR },
    );
  }
  for (const word of ['XOAUTH2', 'OAUTHBEARER']) {
    bad(word, { status: '5.7.11' }, { options: CLEAR, credentials: { user: 'tim', token: 't' } });
  }
  bad('EXTERNAL', { status: '5.7.11' }, { options: CLEAR, credentials: { certificate: true } });
  bad(
    'PLAIN',
    { text: 'Cannot log in: the user name has a control character' },
    { credentials: { user: 'a\0b', password: 'p' } },
  );
  bad(
    'XOAUTH2',
    { text: 'Cannot log in: the user name has a control character' },
    { credentials: { user: 'a\x01auth=Bearer x', token: 't' } },
  );
  bad(
    'PLAIN',
    { text: 'Cannot log in: the password has CR, LF or NUL' },
    { credentials: { user: 'a', password: 'p\0b' } },
  );
  bad(
    'XOAUTH2',
    { text: 'Cannot log in with XOAUTH2: the token has a character that no token has' },
    { credentials: { user: 'a', token: 'p b' } },
  );

  test('sends nothing that is longer than 12288 octets', () => {
    const token = 't'.repeat(9300);
    const script = `C: AUTH XOAUTH2\nS: 334 \nC: …\nS: 235 ok`;
    const login = (text: string) =>
      attempt('XOAUTH2', text === token ? '' : script, { credentials: { user: 'a', token: text } });
    expect(login(token)?.text).toBe('Cannot log in with XOAUTH2: user and password, or the token, are too long');
    expect(login('t'.repeat(9000))).toBeUndefined();
    const credentials = { user: 'a', password: 'p'.repeat(9300) };
    const asked = 'C: AUTH LOGIN\nS: 334 \nC: YQ==\nS: 334 \nC: *\nS: 501 ok';
    expect(attempt('LOGIN', asked, { credentials })?.text).toContain('too long');
  });

  test('shows at most eight of what is offered, and nothing that is not a name', () => {
    const strange = ['<b>', '\x1b[31m', 'x'.repeat(400), ...Array.from({ length: 60 }, (_, index) => `X-${index}`)];
    const failure = attempt(strange.join(' '), '');
    expect(failure?.text).toContain('the server offers X-0, X-1, X-2, X-3, X-4, X-5, X-6, X-7 and 55 more, ');
    expect(attempt('<b> \x1b', '')?.text).toContain('the server offers 2 unknown mechanisms');
  });
});

describe('authenticate() when the server refuses', () => {
  const bad = (reply: string, want: Partial<Failure>) =>
    test(`judges ${reply}`, () => {
      const failure = attempt('PLAIN', `C: AUTH PLAIN ${PLAIN_TIM}\nS: ${reply}`);
      expect(failure).toMatchObject({ scope: 'host', stage: 'auth', ...want });
      expect(failure?.reply?.code).toBe(Number(reply.slice(0, 3)));
    });
  const text = 'refused when logging in with PLAIN';
  bad('535 5.7.8 wrong', { permanent: true, status: '5.7.8', text });
  bad('535 wrong', { permanent: true, status: '5.7.8', advice: expect.stringContaining('app password') });
  bad('534 too weak', { permanent: true, status: '5.7.9' });
  bad('538 encrypt', { permanent: true, status: '5.7.11', advice: expect.stringContaining('smtps://') });
  bad('530 Must issue a STARTTLS command first', { permanent: true, status: '5.7.0' });
  bad('500 5.5.6 too long', { permanent: true, status: '5.5.6' });
  bad('504 5.5.4 what', { permanent: true, status: '5.5.4' });
  bad('550 5.7.1 blocked', { permanent: true, status: '5.7.1', text });
  bad('432 4.7.12 transition', { permanent: false, status: '4.7.12' });
  bad('454 later', { permanent: false, status: '4.7.0' });
  bad('421 4.3.2 bye', { permanent: false, status: '4.3.2' });
  bad('250 ok', { permanent: false, status: '4.5.0' });
  bad('354 go', { permanent: false, status: '4.5.0' });

  test('does not try a wrong password with the next mechanism', () => {
    const script = `C: AUTH CRAM-MD5\nS: 334 ${base64('<x>')}\nC: …\nS: 535 no`;
    expect(attempt('CRAM-MD5 PLAIN LOGIN', script)).toMatchObject({ status: '5.7.8' });
  });

  test('answers the error of XOAUTH2 with an empty line and of OAUTHBEARER with 0x01', () => {
    const given: Case = { credentials: { user: 'tim', token: 't' } };
    const error = base64('{"status":"401"}');
    expect(attempt('XOAUTH2', `C: AUTH XOAUTH2 …\nS: 334 ${error}\nC:\nS: 535 5.7.8 no`, given)).toMatchObject({
      permanent: true,
      status: '5.7.8',
      text: 'refused when logging in with XOAUTH2',
    });
    const script = `C: AUTH OAUTHBEARER …\nS: 334 ${error}\nC: AQ==\nS: 535 5.7.8 no`;
    expect(attempt('OAUTHBEARER', script, given)).toMatchObject({ permanent: true, status: '5.7.8' });
  });

  test('throws the broken wire through', () => {
    expect(() => attempt('PLAIN', `C: AUTH PLAIN ${PLAIN_TIM}\n--: close`)).toThrow(WireError);
  });
});
