import { describe, expect, test } from 'vitest';
import type { MechanismName } from '../../src/mail/mechanism.ts';
import { type AuthOptions, authenticate } from '../../src/smtp/auth.ts';
import type { ChannelBinding } from '../../src/smtp/sasl/binding.ts';
import { scram } from '../../src/smtp/sasl/scram.ts';
import { play } from '../support/play.ts';
import { createScramServer } from '../support/scram-server.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const USER = { user: 'user', password: 'pencil' };
const EXPORTER: ChannelBinding = { type: 'tls-exporter', bytes: Buffer.alloc(32, 7) };
const END_POINT: ChannelBinding = { type: 'tls-server-end-point', bytes: Buffer.alloc(48, 9) };
const BOUND: AuthOptions = { encrypted: true, nonce: NONCE, bindings: [EXPORTER, END_POINT] };

const attempt = (offered: string, script: string, options: Partial<AuthOptions> = {}) =>
  play(authenticate(USER, offered.split(' '), { ...BOUND, ...options }), script).value;
const first = (flag: string) => base64(`${flag},,n=user,r=${NONCE}`);

describe('scram() with a channel', () => {
  const request = { hash: 'sha256', ...USER, nonce: NONCE } as const;
  const rules = { ...USER, hash: 'sha256', offersBinding: true, bound: true } as const;
  const known = { 'tls-exporter': EXPORTER.bytes, 'tls-server-end-point': END_POINT.bytes };

  /** Plays the exchange against the server of the tests, and gives its end. */
  function played(channel: Parameters<typeof scram>[0]['channel'], server: ReturnType<typeof createScramServer>) {
    const exchange = scram({ ...request, ...(channel === undefined ? {} : { channel }) });
    const said: string[] = [];
    let step = exchange.next(Buffer.alloc(0));
    for (let round = 0; round < 4 && step.done !== true; round++) {
      const message = step.value.bytes?.toString() ?? '';
      said.push(message);
      const answer = server(message);
      if (answer === 'done') return { said, end: 'done' };
      step = exchange.next(Buffer.from('challenge' in answer ? answer.challenge : `e=${answer.refused}`));
    }
    return { said, end: step.done === true ? step.value : 'open' };
  }

  // RFC 5802 has no exchange with a binding; these were GNU SASL 2.2's, with its own salt and nonce.
  test.each([
    ['sha256', 'v/0qhFPlZLfVfQaEqlD5s3dm,s=2JROBFKrCtPBHNgI', 'y5kBHCtd/LKaAJFKGbXfEGrKkb+KgKTlVax4titHByY='],
    ['sha1', 'og9P0/rkpJf8IlDVC6eYMDJL,s=F5+yYpVI0rYHu9C9', 'Q8ta/B0oVEFnQb99dtdbGJ5JcDg='],
  ] as const)('by %s makes the exchange that GNU SASL signs', (hash, answer, signature) => {
    const nonce = 'abcdefghijklmnop';
    const exchange = scram({ hash, ...USER, nonce, channel: EXPORTER });
    expect(exchange.next(Buffer.alloc(0)).value).toMatchObject({ last: false });
    exchange.next(Buffer.from(`r=${nonce}${answer},i=4096`));
    expect(exchange.next(Buffer.from(`v=${signature}`)).value).toMatchObject({ last: true });
  });

  test.each([EXPORTER, END_POINT])('proves the bytes of $type', (binding) => {
    const { said, end } = played(binding, createScramServer({ ...rules, bindings: known }));
    expect(end).toBe('done');
    expect(said[0]).toBe(`p=${binding.type},,n=user,r=${NONCE}`);
    const bytes = Buffer.concat([Buffer.from(`p=${binding.type},,`), binding.bytes]);
    expect(said[1]).toContain(`c=${bytes.toString('base64')},r=`);
  });

  test.each([
    ['n', 'c=biws,'],
    ['y', 'c=eSws,'],
  ] as const)('says %s in what is proved', (channel, field) => {
    const server = createScramServer({ ...rules, bound: false, offersBinding: false, bindings: {} });
    const { said, end } = played(channel, server);
    expect(end).toBe('done');
    expect(said[1]?.startsWith(field)).toBe(true);
  });

  test('is refused by a server at the other end of another connection', () => {
    const bindings = { 'tls-exporter': Buffer.alloc(32, 8) };
    expect(played(EXPORTER, createScramServer({ ...rules, bindings })).end).toMatchObject({ fault: 'server' });
  });

  test('hears that a kind is not known, at once or behind the proof', () => {
    expect(played(EXPORTER, createScramServer({ ...rules, bindings: {} })).end).toMatchObject({ fault: 'binding' });
  });

  test('learns from a server that its offer was struck out', () => {
    const server = createScramServer({ ...rules, bound: false, bindings: known });
    expect(played('y', server).end).toMatchObject({
      fault: 'server',
      text: expect.stringContaining('took that offer'),
    });
  });
});

describe('authenticate() on a connection that can be bound', () => {
  const ends = '\nS: 535 5.7.8 no';

  test('takes what binds before all else, by the exporter', () => {
    const script = `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 454 later`;
    const failure = attempt('PLAIN SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS', script);
    expect(failure).toMatchObject({ permanent: false, text: 'refused when logging in with SCRAM-SHA-256-PLUS' });
  });

  test('says y where the server has offered nothing that binds', () => {
    const script = `C: AUTH SCRAM-SHA-256 ${first('y')}${ends}`;
    expect(attempt('SCRAM-SHA-256 PLAIN', script)).toMatchObject({ status: '5.7.8' });
  });

  test('says n where the server has, and another one is asked for', () => {
    const script = `C: AUTH SCRAM-SHA-1 ${first('n')}${ends}`;
    expect(attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-1', script, { mechanism: 'SCRAM-SHA-1' })).toBeDefined();
  });

  test('says n where nothing can be bound', () => {
    const script = `C: AUTH SCRAM-SHA-256 ${first('n')}${ends}`;
    expect(attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-256', script, { bindings: [] })).toBeDefined();
  });

  test('tries the other kind where one is refused before the proof, then without', () => {
    const script = [
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 535 5.7.8 what`,
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-server-end-point')}\nS: 501 5.5.4 what`,
      `C: AUTH SCRAM-SHA-256 ${first('n')}\nS: 535 5.7.8 who`,
    ].join('\n');
    const failure = attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN', script);
    expect(failure).toMatchObject({ text: 'refused when logging in with SCRAM-SHA-256', status: '5.7.8' });
  });

  test('tries the other kind where the server says that it does not know one', () => {
    const why = base64('e=unsupported-channel-binding-type');
    const script = [
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 334 ${why}\nC: *\nS: 501 ok`,
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-server-end-point')}\nS: 454 4.7.0 later`,
    ].join('\n');
    expect(attempt('SCRAM-SHA-256-PLUS', script)).toMatchObject({ status: '4.7.0' });
  });

  test('passes over one that the server does not know after all', () => {
    const script = [
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 504 5.5.4 what`,
      `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-server-end-point')}\nS: 504 5.5.4 what`,
      `C: AUTH SCRAM-SHA-1-PLUS ${first('p=tls-exporter')}\nS: 454 4.7.0 later`,
    ].join('\n');
    expect(attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS', script)).toMatchObject({ status: '4.7.0' });
  });

  test('does not try again what was refused behind the proof', () => {
    const offer = base64(`r=${NONCE}x,s=QSXC,i=4096`);
    const script = `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 334 ${offer}\nC: …\nS: 535 5.7.8 wrong`;
    const failure = attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN', script);
    expect(failure).toMatchObject({ status: '5.7.8', permanent: true });
  });

  test('stops where the server has bound to something else', () => {
    const offer = base64(`r=${NONCE}x,s=QSXC,i=4096`);
    const why = base64('e=channel-bindings-dont-match');
    const script = `C: AUTH SCRAM-SHA-256-PLUS ${first('p=tls-exporter')}\nS: 334 ${offer}\nC: …\nS: 334 ${why}\nC: *\nS: 501 ok`;
    expect(attempt('SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN', script)).toMatchObject({
      permanent: true,
      text: expect.stringContaining('somebody stands between us'),
    });
  });

  test('says what is missing where it is asked for by name', () => {
    const asked = { mechanism: 'SCRAM-SHA-256-PLUS', bindings: [] } as const;
    expect(attempt('SCRAM-SHA-256-PLUS', '', asked)).toMatchObject({
      status: '5.7.11',
      text: expect.stringContaining('binds the login to TLS'),
    });
  });
});

describe('authenticate() for an account that was used before', () => {
  const used: MechanismName[] = [];
  const onLogin = (name: MechanismName) => void used.push(name);
  const plain = `C: AUTH PLAIN ${base64('\0user\0pencil')}\nS: 235 ok`;

  test.each([
    ['SCRAM-SHA-256', 'PLAIN LOGIN'],
    ['SCRAM-SHA-256', 'CRAM-MD5'],
    ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256 SCRAM-SHA-1 PLAIN'],
    ['CRAM-MD5', 'PLAIN'],
  ] as const)('with %s refuses %s, and says nothing', (strongest, offered) => {
    const failure = attempt(offered, '', { strongest, onLogin });
    expect(failure).toMatchObject({ permanent: false, status: '4.7.0', stage: 'auth', scope: 'host' });
    expect(failure?.text).toContain(`${strongest} was used before`);
    expect(failure?.advice).toContain('--auth');
  });

  test('takes what is as strong', () => {
    const script = `C: AUTH SCRAM-SHA-1 ${first('y')}\nS: 454 later`;
    expect(attempt('SCRAM-SHA-1 PLAIN', script, { strongest: 'SCRAM-SHA-256' })?.text).toContain('SCRAM-SHA-1');
  });

  test('takes what is weaker where it is asked for by name, and tells what was used', () => {
    used.length = 0;
    expect(attempt('PLAIN', plain, { strongest: 'SCRAM-SHA-256', mechanism: 'PLAIN', onLogin })).toBeUndefined();
    expect(used).toEqual(['PLAIN']);
  });

  test('takes a token, which no password mechanism can be held against', () => {
    const token = { user: 'user', token: 't' };
    const options = { ...BOUND, strongest: 'SCRAM-SHA-256' } as const;
    const script = `C: AUTH XOAUTH2 ${base64('user=user\x01auth=Bearer t\x01\x01')}\nS: 235 ok`;
    expect(play(authenticate(token, ['XOAUTH2', 'PLAIN'], options), script).value).toBeUndefined();
  });
});
