import { describe, expect, it } from 'vitest';
import { queueId } from '../../src/cli/queue-id.ts';

const reply = (...lines: string[]) => ({ code: 250, lines });
const good = (text: string, want: string) => it(`reads ${want}`, () => expect(queueId(reply(text))).toBe(want));
const bad = (text: string, why: string) =>
  it(`finds nothing when ${why}`, () => expect(queueId(reply(text))).toBeUndefined());

describe('queueId()', () => {
  good('2.0.0 Ok: queued as 4ZRbVq2Fkmz9xyz', '4ZRbVq2Fkmz9xyz'); // Postfix
  good('2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 3F2A17', '3F2A17'); // a filter before Postfix
  good('OK id=1rAbCd-000001-2A', '1rAbCd-000001-2A'); // Exim
  good('2.0.0 3BT0Ia4M012345 Message accepted for delivery', '3BT0Ia4M012345'); // Sendmail
  good('2.0.0 5b1f3c2a Message accepted for delivery', '5b1f3c2a'); // OpenSMTPD
  good(
    '2.6.0 <a@b.example> [InternalId=10123456789012, Hostname=H.example] Queued mail for delivery',
    '10123456789012',
  );
  good('ok 1700000000 qp 12345', '12345'); // qmail
  good('Message Queued (8F3C0A6E-1B.1)', '8F3C0A6E-1B.1'); // Haraka
  good('2.0.0 <ann@example.org> 8GXaKk2Hm2VhDwAA Saved', '8GXaKk2Hm2VhDwAA'); // Dovecot
  good('2.0.0 OK  1700000000 a1-20020a0cf1si123qvl.45 - gsmtp', 'a1-20020a0cf1si123qvl.45');
  good('Ok 0100018c1f2e3d4c-5b6a', '0100018c1f2e3d4c-5b6a');

  bad('', 'there is no text');
  bad('2.0.0 Ok', 'the server only agrees');
  bad('OK, thank you', 'there are only words');
  bad('2.0.0 Message accepted', 'nothing is named');
  bad(`${' '.repeat(600)}queued as X1`, 'it lies beyond half a kilobyte');

  it('looks at each line when the reply has several', () => {
    expect(queueId(reply('2.0.0 Thank you', '2.0.0 Ok: queued as ABC123'))).toBe('ABC123');
  });

  it('stays quick when a server sends much of what almost fits', () => {
    const start = performance.now();
    expect(queueId(reply(...Array.from({ length: 200 }, () => 'a'.repeat(100_000))))).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(500);
  });
});
