import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64 } from '../../../src/smtp/sasl/base64.ts';
import type { Exchange } from '../../../src/smtp/sasl/exchange.ts';
import { oauthBearer, xoauth2 } from '../../../src/smtp/sasl/oauth.ts';
import { cramMd5, external, login, plain } from '../../../src/smtp/sasl/password.ts';
import { saslPrep } from '../../../src/smtp/sasl/saslprep.ts';
import { scram } from '../../../src/smtp/sasl/scram.ts';

/** Plays challenges into an exchange: what it said, one entry each, and its end. */
function run(exchange: Exchange, challenges: readonly string[]) {
  const said: (string | null)[] = [];
  let step = exchange.next(Buffer.alloc(0));
  let last = false;
  for (const challenge of [...challenges, undefined]) {
    if (step.done) return { said, end: step.value };
    said.push(step.value.bytes?.toString('utf8') ?? null);
    last = step.value.last;
    if (challenge !== undefined) step = exchange.next(Buffer.from(challenge));
  }
  return { said, last };
}

describe('scram()', () => {
  const sha1 = { hash: 'sha1', user: 'user', password: 'pencil', nonce: 'fyko+d2lbbFgONRv9qkxdawL' } as const;
  const first1 = 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096';
  const sha256 = { hash: 'sha256', user: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' } as const;
  const first256 = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

  test('speaks the exchange of RFC 5802, section 5', () => {
    expect(run(scram(sha1), [first1, 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ='])).toEqual({
      said: [
        'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
        'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
        '',
      ],
      last: true,
    });
  });

  test('speaks the exchange of RFC 7677, section 3', () => {
    expect(run(scram(sha256), [first256, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='])).toEqual({
      said: [
        'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
        '',
      ],
      last: true,
    });
  });

  test('escapes and prepares the user name', () => {
    expect(run(scram({ ...sha1, user: 'a=b,c\u00adⅨ' }), [])).toMatchObject({
      said: ['n,,n=a=3Db=2CcIX,r=fyko+d2lbbFgONRv9qkxdawL'],
    });
  });

  test('says nothing when name or password have a character that is forbidden', () => {
    const end = (request: Parameters<typeof scram>[0]) => run(scram(request), []);
    expect(end({ ...sha1, user: 'a\u0007' })).toEqual({
      said: [],
      end: { fault: 'credentials', text: 'the user name has a character that SCRAM forbids' },
    });
    expect(end({ ...sha1, password: 'pa\u0007ss' })).toEqual({
      said: [],
      end: { fault: 'credentials', text: 'the password has a character that SCRAM forbids' },
    });
  });

  test('throws when the nonce is not one', () => {
    for (const nonce of ['', 'a,b', 'a b', 'ä', 'a\n']) {
      expect(() => scram({ ...sha1, nonce }).next(Buffer.alloc(0))).toThrow(RangeError);
    }
  });

  const halts = (challenge: string, fault: string, text: string) =>
    test(`halts when the server begins with ${challenge.slice(0, 60)}`, () => {
      expect(run(scram(sha1), [challenge]).end).toEqual({ fault, text });
    });
  const own = 'fyko+d2lbbFgONRv9qkxdawL';
  halts('', 'protocol', 'the challenge is not one of SCRAM');
  halts(`m=ext,${first1}`, 'protocol', 'the challenge is not one of SCRAM');
  halts(`s=QSXCR+Q6sek8bf92,r=${own}x,i=4096`, 'protocol', 'the challenge is not one of SCRAM');
  halts(`r=${own}x,s=,i=4096`, 'protocol', 'the challenge is not one of SCRAM');
  halts(`r=${own}x,s=QSX,i=4096`, 'protocol', 'the salt is malformed');
  halts(`r=${own}x,s=QSXC,i=0`, 'protocol', 'the challenge is not one of SCRAM');
  halts(`r=${own}x,s=QSXC,i=-1`, 'protocol', 'the challenge is not one of SCRAM');
  halts(`r=${own}x,s=QSXC,i=4096 `, 'protocol', 'the challenge is not one of SCRAM');
  halts(`r=${own}x,s=QSXC,i=1`, 'server', 'the server asks for 1 iterations, fewer than 4096 are not safe');
  halts(`r=${own}x,s=QSXC,i=4095`, 'server', 'the server asks for 4095 iterations, fewer than 4096 are not safe');
  halts(
    `r=${own}x,s=QSXC,i=1000001`,
    'server',
    'the server asks for 1000001 iterations, more than 1000000 take too long',
  );
  halts(`r=${own},s=QSXC,i=4096`, 'server', 'the server changed the nonce');
  halts('r=other,s=QSXC,i=4096', 'server', 'the server changed the nonce');
  halts(`r=${own}${'x'.repeat(1025)},s=QSXC,i=4096`, 'protocol', 'the nonce is too long');

  test('halts when the server proves nothing', () => {
    const end = (final: string) => run(scram(sha1), [first1, final]).end;
    const unproven = { fault: 'server', text: 'the server did not prove that it knows the password' };
    expect(end('')).toEqual(unproven);
    expect(end('v=')).toEqual(unproven);
    expect(end('v=AAAA')).toEqual(unproven);
    expect(end('v=rmF9pqV8S7suAoZWja4dJRkFsKR=')).toEqual(unproven);
    expect(end('v=rmF9pqV8S7suAoZWja4dJRkFsKQ')).toEqual(unproven);
    expect(end('v=smF9pqV8S7suAoZWja4dJRkFsKQ=')).toEqual(unproven);
    expect(end('e=invalid-proof')).toEqual({ fault: 'credentials', text: 'the server refused: invalid-proof' });
    expect(end('e=\r\nbad')).toEqual(unproven);
  });

  test('halts when asked again after the proof', () => {
    const all = [first1, 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=', ''];
    expect(run(scram(sha1), all).end).toEqual({ fault: 'protocol', text: 'the server asked once too often' });
  });

  test('never throws, whatever the server says', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(first1, 'v=AAAA', 'e=x'))), (challenges) => {
        const { said, end } = run(scram(sha1), challenges);
        expect(said.length).toBeLessThanOrEqual(3);
        expect(JSON.stringify([said, end])).not.toContain('pencil');
      }),
      { seed: 5802, numRuns: 60 },
    );
  });
});

describe('saslPrep()', () => {
  const good = (text: string, want: string) =>
    test(`prepares ${JSON.stringify(text)}`, () => expect(saslPrep(text)).toBe(want));
  const bad = (text: string, why: string) =>
    test(`refuses ${JSON.stringify(text)}: ${why}`, () => expect(saslPrep(text)).toBeUndefined());
  // RFC 4013, section 3.
  good('I\u00adX', 'IX');
  good('user', 'user');
  good('USER', 'USER');
  good('\u00aa', 'a');
  good('\u2168', 'IX');
  good('pass word', 'pass word');
  good('a\u00a0b\u3000c', 'a b c');
  good('ma\u0308rz', 'märz');
  good('p\u{1f511}', 'p\u{1f511}');
  bad('\u0007', 'a control');
  bad('a\0b', 'NUL');
  bad('a\r\nb', 'a line end');
  bad('\u202e', 'bidirectional override');
  bad('\ue000', 'private use');
  bad('\ud800', 'a lone surrogate');
  bad('\uffff', 'not a character');
});

describe('plain(), login(), cramMd5(), external()', () => {
  const tim = { user: 'tim', password: 'tanstaaftanstaaf' };
  const tooMany = { fault: 'protocol', text: 'the server asked once too often' };

  test('plain() says all at once', () => {
    expect(run(plain(tim), [])).toEqual({ said: ['\0tim\0tanstaaftanstaaf'], last: true });
    expect(run(plain(tim), ['']).end).toEqual(tooMany);
  });
  test('login() answers two questions, whatever their words', () => {
    expect(run(login(tim), ['User Name\0', ''])).toEqual({ said: [null, 'tim', 'tanstaaftanstaaf'], last: true });
    expect(run(login(tim), ['Username:'])).toMatchObject({ last: false });
    expect(run(login(tim), ['', '', '']).end).toEqual(tooMany);
  });
  test('cramMd5() speaks the exchange of RFC 2195, section 2', () => {
    expect(run(cramMd5(tim), ['<1896.697170952@postoffice.reston.mci.net>'])).toEqual({
      said: [null, 'tim b913a602c7eda7a495b4e6e7334d3890'],
      last: true,
    });
    expect(run(cramMd5(tim), ['']).end).toEqual({ fault: 'protocol', text: 'the challenge is empty' });
    expect(run(cramMd5(tim), ['x', 'x']).end).toEqual(tooMany);
  });
  test('external() says whom it acts as', () => {
    expect(run(external(''), [])).toEqual({ said: [''], last: true });
    expect(run(external('ann'), [''])).toEqual({ said: ['ann'], end: tooMany });
  });
});

describe('xoauth2() and oauthBearer()', () => {
  test('xoauth2() says what Google documents, and an empty line to an error', () => {
    const token = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg';
    const { said, last } = run(xoauth2({ user: 'someuser@example.com', token }), []);
    expect(Buffer.from(said[0] ?? '').toString('base64')).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    );
    expect(last).toBe(true);
    expect(run(xoauth2({ user: 'a', token }), ['{"status":"401"}'])).toMatchObject({ said: [{}, ''], last: false });
  });
  test('oauthBearer() says what RFC 7628, section 4.1 shows, and 0x01 to an error', () => {
    const bearer = {
      user: 'user@example.com',
      token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
      endpoint: { host: 'server.example.com', port: 143 },
    };
    const { said } = run(oauthBearer(bearer), []);
    expect(Buffer.from(said[0] ?? '').toString('base64')).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    );
    expect(run(oauthBearer(bearer), ['{"status":"invalid_token"}'])).toMatchObject({ said: [{}, '\x01'], last: false });
    expect(run(oauthBearer({ user: 'a,b=c', token: 't' }), []).said).toEqual([
      'n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01',
    ]);
    expect(run(oauthBearer({ user: '', token: 't' }), []).said).toEqual(['n,,\x01auth=Bearer t\x01\x01']);
  });
  test('say nothing when the token could end its field', () => {
    const end = { fault: 'credentials', text: 'the token has a character that no token has' };
    for (const token of ['', 'a b', 'a\x01auth=Bearer b', 'ä', 'a\n', 'a=b']) {
      expect(run(xoauth2({ user: 'u', token }), [])).toEqual({ said: [], end });
      expect(run(oauthBearer({ user: 'u', token }), [])).toEqual({ said: [], end });
    }
  });
});

describe('decodeBase64()', () => {
  test('reads what Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes));
      }),
      { seed: 4648 },
    );
  });
  test('refuses everything else', () => {
    for (const text of [
      'A',
      'AA',
      'AAA',
      'AA=',
      'A===',
      '====',
      'AA=A',
      'AB==',
      'AA==AAAA',
      ' AAA',
      'AA-_',
      'AAAA\n',
      'ä',
    ]) {
      expect(decodeBase64(text)).toBeUndefined();
    }
  });
});
