import { describe, expect, test } from 'vitest';
import { type HelloPlan, hello } from '../../src/smtp/hello.ts';
import { play } from '../support/play.ts';

const run = (script: string, plan: Partial<HelloPlan> = {}) =>
  play(hello({ name: 'client.test', verb: 'EHLO', startTls: 'may', ...plan }), script).value;

const good = (name: string, script: string, plan: Partial<HelloPlan> = {}) =>
  test(name, () => expect(run(script, plan).kind).toBe('ready'));
const bad = (name: string, want: string, { script, plan = {} }: { script: string; plan?: Partial<HelloPlan> }) =>
  test(name, () => {
    const value = run(script, plan);
    if (value.kind !== 'refused') throw new Error('it is ready');
    const { permanent, scope, status, text } = value.failure;
    expect(`${permanent ? 'permanent' : 'transient'} ${scope} ${status} ${text}`).toBe(want);
  });

const QUIT = 'C: QUIT\nS: 221 bye';

describe('hello()', () => {
  good('is ready after EHLO', 'S: 220 mx\nC: EHLO client.test\nS: 250 mx');
  good('reads a greeting of many lines', 'S: 220-mx\nS: 220-no spam\nS: 220 please\nC: EHLO client.test\nS: 250 mx');
  good('reads a greeting without text', 'S: 220\nC: EHLO client.test\nS: 250 mx');
  for (const code of [500, 501, 502, 504, 550]) {
    good(
      `falls back to HELO after ${code}`,
      `S: 220 mx\nC: EHLO client.test\nS: ${code} what\nC: HELO client.test\nS: 250 mx`,
    );
  }
  good('begins with HELO where the server hung up on EHLO before', 'S: 220 mx\nC: HELO client.test\nS: 250 mx', {
    verb: 'HELO',
  });
  good('says LHLO for LMTP', 'S: 220 mx\nC: LHLO client.test\nS: 250 mx', { verb: 'LHLO' });
  good(
    'starts TLS where it is offered and says EHLO again',
    'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n--: tls\nC: EHLO client.test\nS: 250 mx',
  );
  good('leaves TLS alone where it is told to', 'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS', {
    startTls: 'never',
  });
  for (const reply of ['454 4.7.0 not now', '502 no', '354 go', '250 ok', '235 you are in']) {
    good(
      `goes on in the clear after ${reply} to STARTTLS where TLS is optional`,
      `S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: ${reply}`,
    );
  }
  bad('takes a 5xx greeting as the host being away', 'transient host 4.3.2 refused when waiting for the greeting', {
    script: `S: 554 5.7.1 no service\n${QUIT}`,
  });
  bad('takes a 421 greeting as the host being away', 'transient host 4.3.2 refused when waiting for the greeting', {
    script: `S: 421 4.3.2 busy\n${QUIT}`,
  });
  bad('does not take 250 for a greeting', 'transient host 4.5.0 unexpected reply when waiting for the greeting', {
    script: `S: 250 hello\n${QUIT}`,
  });
  bad('gives a host up that refuses both', 'permanent host 5.0.0 refused when sending EHLO', {
    script: `S: 220 mx\nC: EHLO client.test\nS: 502 what\nC: HELO client.test\nS: 550 no\n${QUIT}`,
  });
  bad('does not try HELO after 421', 'transient host 4.3.2 refused when sending EHLO', {
    script: `S: 220 mx\nC: EHLO client.test\nS: 421 bye\n${QUIT}`,
  });
  bad(
    'does not fall back to HELO where TLS is required',
    'transient host 4.7.4 TLS is required, but EHLO is refused, so there is no STARTTLS',
    {
      script: `S: 220 mx\nC: EHLO client.test\nS: 502 what\n${QUIT}`,
      plan: { startTls: 'must' },
    },
  );
  bad(
    'does not go on where TLS is required and not offered',
    'transient host 4.7.4 TLS is required, but STARTTLS is not offered',
    {
      script: `S: 220 mx\nC: EHLO client.test\nS: 250 mx\n${QUIT}`,
      plan: { startTls: 'must' },
    },
  );
  bad(
    'gives a host up that has no TLS where the message asks for it on its whole way',
    'permanent host 5.7.30 TLS is required, but STARTTLS is not offered',
    {
      script: `S: 220 mx\nC: EHLO client.test\nS: 250 mx\n${QUIT}`,
      plan: { startTls: 'must', requireTls: true },
    },
  );
  for (const reply of ['454 4.7.0 not now', '502 no']) {
    bad(`does not go on after ${reply} where TLS is required`, 'transient host 4.7.0 refused when sending STARTTLS', {
      script: `S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: ${reply}\n${QUIT}`,
      plan: { startTls: 'must' },
    });
  }
  test('forgets what was offered in the clear', () => {
    const value = run(
      'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n--: tls\nC: EHLO client.test\nS: 250-mx\nS: 250 SIZE 100',
    );
    if (value.kind !== 'ready') throw new Error('it is refused');
    expect(value.extensions).toMatchObject({ auth: [], startTls: false, size: 100 });
  });
  test('throws where bytes came before the handshake (CVE-2011-0411)', () => {
    const script = 'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS: 250 forged';
    expect(() => run(script)).toThrow(expect.objectContaining({ trouble: 'unasked' }));
  });
  test('refuses a name that would be another command', () => {
    expect(() => run('S: 220 mx', { name: 'a\r\nMAIL FROM:<x@y>' })).toThrow(RangeError);
  });
});
