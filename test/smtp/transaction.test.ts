import { describe, expect, test } from 'vitest';
import type { Recipient } from '../../src/mail/envelope.ts';
import { type Extensions, NO_EXTENSIONS } from '../../src/smtp/extensions.ts';
import { type TransactionPlan, type TransactionResult, transaction } from '../../src/smtp/transaction.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { play } from '../support/play.ts';

const to = (...locals: string[]): Recipient[] => locals.map((local) => ({ address: { local, domain: 'b.test' } }));

const PIPELINING: Extensions = { ...NO_EXTENSIONS, pipelining: true };
const CHUNKING: Extensions = { ...PIPELINING, chunking: true };

function run(script: string, plan: Partial<TransactionPlan> = {}): TransactionResult {
  const recipients = plan.recipients ?? to('one', 'two');
  return play(
    transaction({
      protocol: 'smtp',
      extensions: PIPELINING,
      message: messageOf(HELLO),
      envelope: { sender: { local: 'me', domain: 'a.test' }, recipients },
      recipients,
      smtpUtf8: false,
      last: true,
      ...plan,
    }),
    script,
  ).value;
}

/** Each outcome on a line: `accepted 250 2.0.0`, `refused 5.1.1`, `later 4.5.3`, with `?` where it is uncertain. */
const words = ({ outcomes }: TransactionResult): string[] =>
  outcomes.map((outcome) =>
    outcome.kind === 'accepted'
      ? `accepted ${outcome.reply.code}`
      : `${outcome.kind} ${outcome.failure.status}${outcome.failure.uncertain === true ? '?' : ''}`,
  );

const MAIL = 'C: MAIL FROM:<me@a.test>';
const ONE = 'C: RCPT TO:<one@b.test>';
const TWO = 'C: RCPT TO:<two@b.test>';

describe('transaction() that only asks', () => {
  const asks = (text: string, script: string, want: string[], plan: Partial<TransactionPlan> = {}, usable = false) =>
    test(`${text}`, () => {
      const result = run(script, { ask: true, ...plan });
      expect([words(result), result.usable]).toEqual([want, usable]);
    });

  asks(
    'says what each recipient was answered, and sends nothing',
    `${MAIL}\n${ONE}\n${TWO}\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nC: QUIT\nS: 221 bye`,
    ['accepted 250', 'refused 5.1.1'],
  );
  asks(
    'never sends the message in the flight of the envelope',
    `${MAIL}\n${ONE}\n${TWO}\nS: 250 ok\nS: 250 ok\nS: 250 ok\nC: RSET\nS: 250 ok`,
    ['accepted 250', 'accepted 250'],
    { extensions: CHUNKING, last: false },
    true,
  );
  asks(
    'asks one by one without PIPELINING, and nothing more where the sender is refused',
    `${MAIL}\nS: 550 5.7.1 not you\nC: QUIT\nS: 221 bye`,
    ['refused 5.7.1', 'refused 5.7.1'],
    { extensions: NO_EXTENSIONS },
  );
});

describe('transaction() with PIPELINING', () => {
  const flight = `${MAIL}\n${ONE}\n${TWO}\nC: DATA`;
  const good = (text: string, script: string, want: string[], usable = false) =>
    test(`${text}`, () => {
      const result = run(`${flight}\n${script}`);
      expect(words(result)).toEqual(want);
      expect(result.usable).toBe(usable);
    });

  good(
    'sends envelope and DATA in one flight and QUIT with the message',
    'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued\nS: 221 bye',
    ['accepted 250', 'accepted 250'],
  );
  good(
    'sends the message to those that stand when one recipient is refused',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no such user\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued',
    ['accepted 250', 'refused 5.1.1'],
  );
  good(
    'takes 251 and 252 as accepted (RFC 5321, section 3.4)',
    'S: 250 ok\nS: 251 forwarded\nS: 252 cannot VRFY\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued',
    ['accepted 250', 'accepted 250'],
  );
  good(
    'puts 452 after an accepted recipient off to another transaction and keeps QUIT back',
    'S: 250 ok\nS: 250 ok\nS: 452 4.5.3 too many\nS: 354 go\nC: <message>\nS: 250 queued',
    ['accepted 250', 'later 4.5.3'],
    true,
  );
  good(
    'counts 552 as 452',
    'S: 250 ok\nS: 250 ok\nS: 552 too many\nS: 354 go\nC: <message>\nS: 250 queued',
    ['accepted 250', 'later 4.5.3'],
    true,
  );
  good(
    'keeps 552 5.2.2 a full mailbox',
    'S: 250 ok\nS: 250 ok\nS: 552 5.2.2 over quota\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued',
    ['accepted 250', 'refused 5.2.2'],
  );
  good(
    'ends an empty message where 354 comes although no recipient stands (RFC 2920, section 3.1)',
    'S: 250 ok\nS: 550 5.1.1 no\nS: 450 4.2.0 later\nS: 354 go\nC: .\nS: 250 queued\nC: QUIT\nS: 221 bye',
    ['refused 5.1.1', 'refused 4.2.0'],
  );
  good(
    'refuses all by the reply to MAIL',
    'S: 550 5.7.1 not you\nS: 503 no MAIL\nS: 503 no MAIL\nS: 503 no RCPT\nC: QUIT\nS: 221 bye',
    ['refused 5.7.1', 'refused 5.7.1'],
  );
  good(
    'refuses those that stand by the reply to DATA',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 451 4.3.0 disk\nC: QUIT\nS: 221 bye',
    ['refused 4.3.0', 'refused 5.1.1'],
  );
  good(
    'refuses those that stand by the reply to the final dot',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: <message>\nC: QUIT\nS: 554 5.7.1 spam',
    ['refused 5.7.1', 'refused 5.1.1'],
  );
  good('does not take 250 for 354', 'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok', ['refused 4.5.0', 'refused 4.5.0']);
  good(
    'does not believe a 250 that stands behind the 354 already',
    'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 queued',
    ['refused 4.5.0', 'refused 4.5.0'],
  );
  good(
    'blames no recipient where an extra reply moved the others',
    'S: 250 ok\nS: 250 extra\nS: 550 5.1.1 one\nS: 250 two',
    ['refused 4.5.0', 'refused 4.5.0'],
  );
  good(
    'blames no recipient where an extra reply made a refusal look like the reply to DATA',
    'S: 250 ok\nS: 250 extra\nS: 250 one\nS: 550 5.1.1 two\nS: 354 go',
    ['refused 4.5.0', 'refused 4.5.0'],
  );
  good(
    'takes a 421 behind the 354 as the end of the session',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nS: 421 4.3.2 down',
    ['refused 4.3.2', 'refused 5.1.1'],
  );
  good('keeps refusals that came before the connection was lost', 'S: 250 ok\nS: 550 5.1.1 no\n--: close', [
    'refused 5.1.1',
    'refused 4.4.2',
  ]);
  good('believes a refusal of MAIL that was followed by a reset', 'S: 554 5.7.1 go away\n--: reset', [
    'refused 5.7.1',
    'refused 5.7.1',
  ]);
  good(
    'says that the message may have been delivered where the reply to the dot is lost',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: <message>\nC: QUIT\n--: close',
    ['refused 4.4.2?', 'refused 5.1.1'],
  );
  good(
    'takes a refusal in the middle of the message as its answer',
    'S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: <half message>\nS: 552 5.3.4 too big',
    ['refused 5.3.4', 'refused 5.1.1'],
  );
  good(
    'does not believe a 250 in the middle of the message',
    'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <half message>\nS: 250 queued',
    ['refused 4.5.0', 'refused 4.5.0'],
  );
  good('judges 421 to RCPT as the host going away', 'S: 250 ok\nS: 250 ok\nS: 421 4.3.2 bye\n--: close', [
    'refused 4.4.2',
    'refused 4.3.2',
  ]);

  test('leaves the session open where more follows', () => {
    const result = run(`${flight}\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nS: 250 queued`, {
      last: false,
    });
    expect(words(result)).toEqual(['accepted 250', 'accepted 250']);
    expect(result.usable).toBe(true);
  });
});

describe('transaction() with CHUNKING', () => {
  const flight = `${MAIL}\n${ONE}\n${TWO}\nC: BDAT 22 LAST\nC: <message 22>\nC: QUIT`;
  const good = (text: string, script: string, want: string[]) =>
    test(`${text}`, () => {
      expect(words(run(`${flight}\n${script}`, { extensions: CHUNKING }))).toEqual(want);
    });

  good('sends all in one flight', 'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 queued\nS: 221 bye', [
    'accepted 250',
    'accepted 250',
  ]);
  good(
    'refuses one recipient and delivers to the other',
    'S: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\nS: 250 queued\nS: 221 bye',
    ['refused 5.1.1', 'accepted 250'],
  );
  good('believes the refusals of all', 'S: 250 ok\nS: 550 5.1.1 no\nS: 550 5.1.1 no\nS: 503 none\nS: 221 bye', [
    'refused 5.1.1',
    'refused 5.1.1',
  ]);
  good('needs no reply to QUIT', 'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 queued\n--: close', [
    'accepted 250',
    'accepted 250',
  ]);
  good('does not wait for QUIT for ever', 'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 queued\n--: silence', [
    'accepted 250',
    'accepted 250',
  ]);
  good(
    'believes a server that knows no QUIT',
    'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 queued\nS: 500 what\n--: silence',
    ['accepted 250', 'accepted 250'],
  );
  good(
    'does not take the reply to RCPT for the reply to BDAT where one reply is too many',
    'S: 250 ok\nS: 250 extra\nS: 250 one\nS: 250 two\nS: 550 5.7.1 spam',
    ['refused 4.5.0?', 'refused 4.5.0?'],
  );
  good(
    'does not take the reply to QUIT for that to the message',
    'S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 221 bye\n--: close',
    ['refused 4.5.0?', 'refused 4.5.0?'],
  );
  good('loses the reply to BDAT', 'S: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\n--: close', [
    'refused 5.1.1',
    'refused 4.4.2?',
  ]);

  test('uses DATA where another transaction follows, as QUIT can prove nothing then', () => {
    const script = `${MAIL}\n${ONE}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nS: 250 queued`;
    const result = run(script, { extensions: CHUNKING, recipients: to('one'), last: false });
    expect([words(result), result.usable]).toEqual([['accepted 250'], true]);
  });

  test('uses DATA for a large message', () => {
    const message = messageOf(HELLO, { size: 256 * 1024 + 1 });
    const script = `${MAIL}\n${ONE}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued`;
    expect(words(run(script, { extensions: CHUNKING, message, recipients: to('one') }))).toEqual(['accepted 250']);
  });
});

describe('transaction() without extensions', () => {
  const run1 = (script: string, last = true) => words(run(script, { extensions: NO_EXTENSIONS, last }));

  test('sends each command alone, and QUIT only when the message is answered', () => {
    const script = `${MAIL}\nS: 250 ok\n${ONE}\nS: 250 ok\n${TWO}\nS: 550 no\nC: DATA\nS: 354 go\nC: <message>\nS: 250 queued\nC: QUIT`;
    expect(run1(script)).toEqual(['accepted 250', 'refused 5.0.0']);
  });
  test('believes the reply to the message, whatever becomes of QUIT', () => {
    const script = `${MAIL}\nS: 250 ok\n${ONE}\nS: 250 ok\n${TWO}\nS: 250 ok\nC: DATA\nS: 354 go\nC: <message>`;
    expect(run1(`${script}\nS: 250 queued\nC: QUIT\n--: close`)).toEqual(['accepted 250', 'accepted 250']);
    expect(run1(`${script}\nS: 554 5.7.1 spam\nC: QUIT`)).toEqual(['refused 5.7.1', 'refused 5.7.1']);
  });
  test('does not send DATA where no recipient stands', () => {
    const script = `${MAIL}\nS: 250 ok\n${ONE}\nS: 450 later\n${TWO}\nS: 550 no\nC: QUIT\nS: 221 bye`;
    expect(run1(script)).toEqual(['refused 4.0.0', 'refused 5.0.0']);
  });
  test('does not send RCPT where MAIL is refused', () => {
    expect(run1(`${MAIL}\nS: 452 4.3.1 full\nC: RSET\nS: 250 ok`, false)).toEqual(['refused 4.3.1', 'refused 4.3.1']);
  });
});

describe('transaction() over LMTP', () => {
  const flight = `${MAIL}\n${ONE}\n${TWO}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT`;
  const lmtp = (script: string) => words(run(`${flight}\n${script}`, { protocol: 'lmtp', extensions: CHUNKING }));

  test('reads one reply for each recipient (RFC 2033, section 4.2)', () => {
    expect(lmtp('S: 250 stored\nS: 452 4.2.2 full')).toEqual(['accepted 250', 'refused 4.2.2']);
  });
  test('takes no reply to QUIT for one about a recipient', () => {
    expect(lmtp('S: 250 stored\nS: 221 bye')).toEqual(['accepted 250', 'refused 4.5.0?']);
  });
  test('keeps the replies that came before the connection was lost', () => {
    expect(lmtp('S: 250 stored\n--: close')).toEqual(['accepted 250', 'refused 4.4.2?']);
  });
});

describe('MAIL and RCPT', () => {
  test('carry what the envelope asks for and the server offers', () => {
    const all: Extensions = {
      ...PIPELINING,
      size: 0,
      eightBitMime: true,
      smtpUtf8: true,
      dsn: true,
      requireTls: true,
    };
    const recipients: Recipient[] = [
      { address: { local: 'jörg', domain: 'b.test' }, notify: ['success', 'delay'], original: 'rfc822;a+b@b.test' },
    ];
    const message = messageOf(HELLO, { eightBitBody: true });
    const envelope = { sender: null, recipients, id: 'QQ 314', return: 'headers', requireTls: true } as const;
    const script = [
      'C: MAIL FROM:<> SIZE=22 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+20314 REQUIRETLS',
      'C: RCPT TO:<jörg@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@b.test',
      'C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 queued',
    ].join('\n');
    expect(words(run(script, { extensions: all, message, envelope, recipients, smtpUtf8: true }))).toEqual([
      'accepted 250',
    ]);
  });
});
