import { describe, expect, test } from 'vitest';
import { MECHANISM_NAMES } from '../../src/mail/mechanism.ts';
import type { Failure } from '../../src/mail/result.ts';
import { type AuthOptions, authenticate } from '../../src/smtp/auth.ts';
import type { Credentials } from '../../src/smtp/sasl/exchange.ts';
import { play } from '../support/play.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TIM: Credentials = { user: 'tim', password: 'tanstaaftanstaaf' };
const USER: Credentials = { user: 'user', password: 'pencil' };
const TLS: AuthOptions = { encrypted: true, nonce: 'rOprNGfwEbeRWgbNEkqO' };
const CLEAR: AuthOptions = { ...TLS, encrypted: false };

const PLAIN_TIM = 'AHRpbQB0YW5zdGFhZnRhbnN0YWFm';
const FIRST = base64('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
const OFFER = base64('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
const PROOF = base64(
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
);
const SIGNATURE = base64('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');

interface Case {
  readonly credentials?: Credentials;
  readonly options?: AuthOptions;
}

/** Logs in against a script; the server offers these words. */
const attempt = (offered: string, script: string, { credentials = TIM, options = TLS }: Case = {}) =>
  play(authenticate(credentials, offered.split(' ').filter(Boolean), options), script).value;

describe('authenticate() when the server agrees', () => {
  const good = (offered: string, script: string, given?: Case) =>
    test(`logs in where ${offered || 'nothing'} is offered${given?.options?.mechanism ? `, by name` : ''}`, () =>
      expect(attempt(offered, script, given)).toBeUndefined());

  good('PLAIN', `C: AUTH PLAIN ${PLAIN_TIM}\nS: 235 2.7.0 ok`);
  good(
    'LOGIN',
    `C: AUTH LOGIN
     S: 334 VXNlcm5hbWU6
     C: dGlt
     S: 334 UGFzc3dvcmQ6
     C: dGFuc3RhYWZ0YW5zdGFhZg==
     S: 235 2.0.0 OK Authenticated`,
  );
  good(
    'login CRAM-MD5 plain',
    `C: AUTH CRAM-MD5
     S: 334 ${base64('<1896.697170952@postoffice.reston.mci.net>')}
     C: ${base64('tim b913a602c7eda7a495b4e6e7334d3890')}
     S: 235 ok`,
  );
  good(
    'PLAIN SCRAM-SHA-1 SCRAM-SHA-256-PLUS scram-sha-256',
    `C: AUTH SCRAM-SHA-256 ${FIRST}
     S: 334 ${OFFER}
     C: ${PROOF}
     S: 334 ${SIGNATURE}
     C:
     S: 235 ok`,
    { credentials: USER },
  );
  good('PLAIN EXTERNAL', 'C: AUTH EXTERNAL =\nS: 235 ok', { credentials: { certificate: true } });
  good('PLAIN EXTERNAL', `C: AUTH EXTERNAL ${base64('tim')}\nS: 235 ok`, {
    options: { ...TLS, mechanism: 'EXTERNAL' },
  });
  good('PLAIN EXTERNAL', `C: AUTH PLAIN ${PLAIN_TIM}\nS: 235 ok`, { credentials: { ...TIM, certificate: true } });
  good('LOGIN XOAUTH2 PLAIN', `C: AUTH XOAUTH2 ${base64('user=tim\x01auth=Bearer t\x01\x01')}\nS: 235 ok`, {
    credentials: { user: 'tim', token: 't' },
  });
  good('XOAUTH2 OAUTHBEARER', `C: AUTH OAUTHBEARER ${base64('n,a=tim,\x01auth=Bearer t\x01\x01')}\nS: 235 ok`, {
    credentials: { user: 'tim', token: 't' },
  });
  good('XOAUTH2 PLAIN', `C: AUTH XOAUTH2 ${base64('user=tim\x01auth=Bearer tanstaaftanstaaf\x01\x01')}\nS: 235 ok`, {
    options: { ...TLS, mechanism: 'XOAUTH2' },
  });
  good(
    'OAUTHBEARER',
    `C: AUTH OAUTHBEARER ${base64('n,a=tim,\x01host=mx.test\x01port=587\x01auth=Bearer t\x01\x01')}\nS: 235 ok`,
    { credentials: { user: 'tim', token: 't' }, options: { ...TLS, endpoint: { host: 'mx.test', port: 587 } } },
  );
  good('PLAIN', `C: AUTH PLAIN ${PLAIN_TIM}\nS: 235 ok`, { options: { ...CLEAR, mechanism: 'PLAIN' } });

  test('picks the known one of sixty strange mechanisms, twice and in mixed case', () => {
    const strange = Array.from({ length: 60 }, (_, index) => `X-${index}`).join(' ');
    expect(attempt(`${strange} Plain pLAIN ${strange}`, `C: AUTH PLAIN ${PLAIN_TIM}\nS: 235 ok`)).toBeUndefined();
  });

  test('keeps a long first response for the line after, as the command line may have 512 octets', () => {
    const token = 't'.repeat(1500);
    const response = base64(`user=tim\x01auth=Bearer ${token}\x01\x01`);
    const script = `C: AUTH XOAUTH2\nS: 334 \nC: ${response}\nS: 235 ok`;
    expect(attempt('XOAUTH2', script, { credentials: { user: 'tim', token } })).toBeUndefined();
  });

  test('keeps the first response in the command when it just fits', () => {
    // "AUTH PLAIN " and 496 characters of base64 are 507; the next length of base64 is 511.
    const fits = { user: 'tim', password: 'p'.repeat(372 - 5) };
    const over = { user: 'tim', password: 'p'.repeat(373 - 5) };
    const response = ({ user, password }: typeof fits) => base64(`\0${user}\0${password}`);
    expect(attempt('PLAIN', `C: AUTH PLAIN ${response(fits)}\nS: 235 ok`, { credentials: fits })).toBeUndefined();
    const script = `C: AUTH PLAIN\nS: 334 \nC: ${response(over)}\nS: 235 ok`;
    expect(attempt('PLAIN', script, { credentials: over })).toBeUndefined();
  });

  test('passes a mechanism over when the server offers and does not know it', () => {
    const script = `C: AUTH CRAM-MD5\nS: 504 5.5.4 what\nC: AUTH PLAIN ${PLAIN_TIM}\nS: 235 ok`;
    expect(attempt('CRAM-MD5 PLAIN', script)).toBeUndefined();
  });

  test('passes SCRAM over when the password has what SCRAM forbids', () => {
    const credentials = { user: 'tim', password: 'a\tb' };
    const script = `C: AUTH PLAIN ${base64('\0tim\0a\tb')}\nS: 235 ok`;
    expect(attempt('SCRAM-SHA-256 SCRAM-SHA-1 PLAIN', script, { credentials })).toBeUndefined();
  });
});

describe('authenticate() when the server breaks the exchange', () => {
  const said = 'the server said yes before the exchange was over';
  const bad = (name: string, script: string, want: Partial<Failure>) =>
    test(`stops: ${want.text} (${name})`, () => {
      const credentials = name === 'XOAUTH2' ? { user: 'tim', token: 't' } : name.startsWith('SCRAM') ? USER : TIM;
      expect(attempt(name, script, { credentials })).toEqual({
        scope: 'host',
        stage: 'auth',
        advice: want.permanent === true ? expect.any(String) : undefined,
        ...want,
      });
    });
  const protocol = (text: string) => ({ permanent: false, status: '4.5.0', text: `Cannot log in with ${text}` });
  const server = (text: string) => ({ permanent: true, status: '5.7.0', text: `Cannot log in with ${text}` });

  bad('LOGIN', 'C: AUTH LOGIN\nS: 334 !!!\nC: *\nS: 501 ok', protocol('LOGIN: the challenge is not base64'));
  bad('LOGIN', 'C: AUTH LOGIN\nS: 334 VXN\nC: *\nS: 235 yes', protocol('LOGIN: the challenge is not base64'));
  bad(
    'LOGIN',
    'C: AUTH LOGIN\nS: 334-AAAA\nS: 334 AAAA\nC: *\nS: 334 x',
    protocol('LOGIN: the challenge is not base64'),
  );
  bad(
    'LOGIN',
    'C: AUTH LOGIN\nS: 334 \nC: dGlt\nS: 334 \nC: …\nS: 334 \nC: *\nS: 501 ok',
    protocol('LOGIN: the server asked once too often'),
  );
  bad('PLAIN', 'C: AUTH PLAIN …\nS: 334 \nC: *\nS: 501 ok', protocol('PLAIN: the server asked once too often'));
  bad(
    'XOAUTH2',
    'C: AUTH XOAUTH2 …\nS: 334 \nC:\nS: 334 \nC: *\nS: 501 ok',
    protocol('XOAUTH2: the server asked once too often'),
  );
  bad('LOGIN', 'C: AUTH LOGIN\nS: 235 welcome', server(`LOGIN: ${said}`));
  bad('LOGIN', 'C: AUTH LOGIN\nS: 334 \nC: dGlt\nS: 235 welcome', server(`LOGIN: ${said}`));
  bad('CRAM-MD5', 'C: AUTH CRAM-MD5\nS: 235 welcome', server(`CRAM-MD5: ${said}`));
  bad('CRAM-MD5', 'C: AUTH CRAM-MD5\nS: 334 \nC: *\nS: 501', protocol('CRAM-MD5: the challenge is empty'));
  bad('XOAUTH2', `C: AUTH XOAUTH2 …\nS: 334 AAAA\nC:\nS: 235 well`, server(`XOAUTH2: ${said}`));
  const begin = `C: AUTH SCRAM-SHA-256 ${FIRST}\n`;
  bad('SCRAM-SHA-256', `${begin}S: 235 welcome`, server(`SCRAM-SHA-256: ${said}`));
  bad('SCRAM-SHA-256', `${begin}S: 334 ${OFFER}\nC: ${PROOF}\nS: 235 welcome`, server(`SCRAM-SHA-256: ${said}`));
  bad(
    'SCRAM-SHA-256',
    `${begin}S: 334 ${OFFER}\nC: ${PROOF}\nS: 334 ${base64('v=AAAA')}\nC: *\nS: 501 ok`,
    server('SCRAM-SHA-256: the server did not prove that it knows the password'),
  );

  test('stops when the challenge is longer than 12288 octets', () => {
    const dialogue = authenticate(TIM, ['LOGIN'], TLS);
    dialogue.next([]);
    const cancel = dialogue.next([{ code: 334, lines: ['A'.repeat(12_292)] }]);
    expect(cancel.value).toMatchObject({ kind: 'flight', parts: [{ line: '*' }] });
    expect(dialogue.next([{ code: 501, lines: [''] }])).toMatchObject({ done: true, value: { status: '4.5.0' } });
  });
});

test('authenticate() hides every payload from the transcript', () => {
  const parts: unknown[] = [];
  const replies = [`334 ${OFFER}`, `334 ${SIGNATURE}`, '235 ok'];
  const dialogue = authenticate(USER, ['SCRAM-SHA-256'], TLS);
  let step = dialogue.next([]);
  for (const reply of replies) {
    if (step.done || step.value.kind !== 'flight') throw new Error('the dialogue ended');
    parts.push(...step.value.parts);
    step = dialogue.next([{ code: Number(reply.slice(0, 3)), lines: [reply.slice(4)] }]);
  }
  expect(parts).toEqual([
    {
      kind: 'command',
      stage: 'auth',
      reply: true,
      line: `AUTH SCRAM-SHA-256 ${FIRST}`,
      secretAfter: 'AUTH SCRAM-SHA-256 ',
    },
    { kind: 'command', stage: 'auth', reply: true, line: PROOF, secretAfter: '' },
    { kind: 'command', stage: 'auth', reply: true, line: '', secretAfter: '' },
  ]);
});

test('no failure of any mechanism holds a secret', () => {
  const secret = 'ThisIsTheSecret';
  const credentials = { user: 'tim', password: secret, token: secret, certificate: true };
  for (const mechanism of MECHANISM_NAMES) {
    for (const end of ['535 no', '334 !', '235 yes', '454 later']) {
      const dialogue = authenticate(credentials, MECHANISM_NAMES, { ...TLS, mechanism });
      let step = dialogue.next([]);
      for (let round = 0; round < 5 && !step.done; round++) {
        step = dialogue.next([{ code: Number(end.slice(0, 3)), lines: [end.slice(4)] }]);
      }
      expect(step.done).toBe(true);
      expect(JSON.stringify(step.value) ?? '').not.toMatch(new RegExp(`${secret}|${base64(secret).slice(0, -2)}`));
    }
  }
});
