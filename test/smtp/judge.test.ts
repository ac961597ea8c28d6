import { expect, test } from 'vitest';
import type { Reply } from '../../src/mail/reply.ts';
import type { Stage } from '../../src/mail/result.ts';
import { WireError } from '../../src/smtp/dialogue.ts';
import { judge, judgeBroken } from '../../src/smtp/judge.ts';

const reply = (text: string): Reply => {
  const [, code = '', status] = /^(\d+) (?:(\d\.\d+\.\d+) )?/.exec(text) ?? [];
  return { code: Number(code), lines: [text.slice(4)], ...(status === undefined ? {} : { status }) };
};

const good = (stage: Stage, text: string, want: string) =>
  test(`judge() takes "${text}" at ${stage} as ${want}`, () => {
    const { permanent, scope, status } = judge(stage, reply(text));
    expect(`${permanent ? 'permanent' : 'transient'} ${scope} ${status}`).toBe(want);
  });

good('greeting', '554 no service', 'transient host 4.3.2');
good('greeting', '421 4.7.0 slow down', 'transient host 4.7.0');
good('ehlo', '550 no', 'permanent host 5.0.0');
good('starttls', '502 no', 'transient host 4.7.0');
good('auth', '535 5.7.8 wrong', 'permanent host 5.7.8');
good('auth', '454 4.7.0 later', 'transient host 4.7.0');
good('mail', '450 later', 'transient message 4.0.0');
good('mail', '530 5.7.0 login first', 'permanent host 5.7.0');
good('mail', '552 too big', 'permanent message 5.3.4');
good('rcpt', '450 4.2.0 greylisted', 'transient recipient 4.2.0');
good('rcpt', '550 5.1.1 unknown', 'permanent recipient 5.1.1');
good('rcpt', '551 User not local', 'permanent recipient 5.1.6');
good('rcpt', '452 too many', 'transient recipient 4.5.3');
good('rcpt', '452 4.2.2 full', 'transient recipient 4.2.2');
good('rcpt', '552 too many', 'transient recipient 4.5.3');
good('rcpt', '552 5.5.3 too many', 'transient recipient 4.5.3');
good('rcpt', '552 5.2.2 full', 'permanent recipient 5.2.2');
good('rcpt', '433 what', 'transient recipient 4.0.0');
good('rcpt', '577 what', 'permanent recipient 5.0.0');
good('rcpt', '421 4.3.2 bye', 'transient host 4.3.2');
good('dot', '421 bye', 'transient host 4.3.2');
good('data', '451 4.3.0 disk', 'transient message 4.3.0');
good('data', '554 5.5.1 no valid recipients', 'permanent message 5.5.1');
good('data', '250 ok', 'transient host 4.5.0');
good('dot', '552 too big', 'permanent message 5.3.4');
good('dot', '354 go on', 'transient host 4.5.0');

test('judgeBroken() says that the message may have been delivered where its end was sent', () => {
  const failure = judgeBroken(
    new WireError('Cannot read reply: closed', { trouble: 'closed', stage: 'dot', ended: true }),
  );
  expect(failure).toMatchObject({ scope: 'host', permanent: false, status: '4.4.2', uncertain: true });
  expect(failure.text).toContain('may have been delivered');
});

test('judgeBroken() blames the message where its bytes could not be read', () => {
  const failure = judgeBroken(new WireError('disk', { trouble: 'source', stage: 'body' }));
  expect(failure).toMatchObject({ scope: 'message', permanent: false, status: '4.3.0' });
});

test('judgeBroken() takes a goodbye for the reason', () => {
  const farewell = reply('421 4.3.2 shutting down');
  const failure = judgeBroken(new WireError('closed', { trouble: 'closed', stage: 'body', farewell }));
  expect(failure).toMatchObject({ scope: 'host', permanent: false, status: '4.3.2', reply: farewell });
});
