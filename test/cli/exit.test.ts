import { describe, expect, it } from 'vitest';
import { EXIT, type ExitCode, exitCode, recipientCode } from '../../src/cli/exit.ts';
import type { Failure } from '../../src/mail/result.ts';
import { deferred, delivered, failed, reply } from './support.ts';

const ANN = 'ann@example.org';
const gives = (want: ExitCode, why: string, failure: Partial<Failure>) =>
  it(`is ${want} when ${why}`, () => expect(recipientCode(failed(ANN, failure))).toBe(want));
const refusal = (text: string, stage: Failure['stage'] = 'rcpt'): Partial<Failure> => {
  const answer = reply(text);
  return { stage, status: answer.status ?? '5.0.0', reply: answer };
};

describe('recipientCode() of a recipient that failed', () => {
  gives(67, 'the mailbox does not exist', refusal('550 5.1.1 no such user'));
  gives(67, 'the mailbox has moved', refusal('551 5.1.6 moved'));
  gives(67, 'RCPT gets a 550 without a status', refusal('550 no'));
  gives(67, 'RCPT gets a 551 without a status', refusal('551 user not local'));
  gives(67, 'RCPT gets a 553 without a status', refusal('553 mailbox name not allowed'));
  gives(69, 'RCPT gets a 554 without a status', refusal('554 no'));
  gives(69, 'the mailbox is disabled', refusal('550 5.2.1 disabled'));
  gives(68, 'the domain does not exist', { stage: 'resolve', status: '5.1.2' });
  gives(68, 'the domain has a null MX', { stage: 'resolve', status: '5.1.10' });
  gives(68, 'the server says so for it', refusal('556 domain takes no mail'));
  gives(68, 'there is no route', { stage: 'resolve', status: '5.4.4' });
  gives(65, 'the address is bad', refusal('501 5.1.3 bad address'));
  gives(65, 'the sender is bad', refusal('553 5.1.7 bad sender', 'mail'));
  gives(65, 'the message is too large', refusal('552 5.3.4 too large', 'mail'));
  gives(65, 'MAIL gets a 552 without a status', refusal('552 no', 'mail'));
  gives(65, 'the message is too large by its SIZE', { stage: 'mail', status: '5.3.4' });
  gives(65, 'the message needs SMTPUTF8', { stage: 'mail', status: '5.6.7' });
  gives(65, 'the message can’t be converted', { stage: 'mail', status: '5.6.3' });
  gives(69, 'the content is refused without a status', refusal('554 spam', 'dot'));
  gives(69, 'the content is refused by policy', refusal('550 5.7.1 spam', 'dot'));
  gives(69, 'relaying is refused', refusal('554 5.7.1 relay access denied'));
  gives(69, 'MAIL gets a 550 without a status', refusal('550 no', 'mail'));
  gives(69, 'TLS is required and not to be had', { stage: 'mail', status: '5.7.30' });
  gives(76, 'a command is not understood', refusal('502 5.5.1 what?', 'mail'));
  gives(76, 'a command is out of order', refusal('503 bad sequence', 'data'));
  gives(69, 'there are too many recipients', refusal('550 5.5.3 too many'));
  gives(77, 'the password is wrong', refusal('535 5.7.8 no', 'auth'));
  gives(77, 'AUTH is refused without a status', refusal('535 no', 'auth'));
  gives(77, 'a login is wanted', refusal('530 5.7.0 login first', 'mail'));
  gives(77, 'there is no mechanism that both have', { stage: 'auth', status: '5.7.4' });
});

describe('recipientCode()', () => {
  it('is 0 when it was delivered', () => expect(recipientCode(delivered(ANN))).toBe(EXIT.ok));

  it('is 75 when it was deferred', () => {
    expect(recipientCode(deferred(ANN))).toBe(75);
    expect(recipientCode(deferred(ANN, { stage: 'dot', status: '4.4.2', uncertain: true }))).toBe(75);
    expect(recipientCode(deferred(ANN, { stage: 'auth', status: '4.7.0', reply: reply('454 4.7.0 later') }))).toBe(75);
    expect(recipientCode(deferred(ANN, { stage: 'auth', status: '4.4.2' }))).toBe(75);
  });

  it('is 77 when it was only deferred, but for a wrong password', () => {
    expect(recipientCode(deferred(ANN, { stage: 'auth', reply: reply('535 5.7.8 no') }))).toBe(77);
  });

  it('is 74 when the message could not be read again', () => {
    expect(recipientCode(deferred(ANN, { scope: 'message', stage: 'body', status: '4.3.0' }))).toBe(74);
  });

  it('is 75 when a server spoke of its own trouble with the message', () => {
    const failure = { scope: 'message', stage: 'dot', status: '4.3.0', reply: reply('451 4.3.0 disk') } as const;
    expect(recipientCode(deferred(ANN, failure))).toBe(75);
  });
});

describe('exitCode()', () => {
  it('is 0 when all were delivered', () => expect(exitCode([delivered(ANN), delivered('b@b.example')], 0)).toBe(0));
  it('is 75 when some were deferred', () => expect(exitCode([delivered(ANN), deferred('b@b.example')], 0)).toBe(75));
  it('is that of the failure when some were deferred and one failed', () => {
    expect(exitCode([deferred(ANN), failed('b@b.example'), delivered('c@c.example')], 0)).toBe(67);
  });
  it('is that of the first when several failed', () => {
    const nowhere = failed(ANN, { stage: 'resolve', status: '5.1.2' });
    expect(exitCode([nowhere, failed('b@b.example')], 0)).toBe(68);
    expect(exitCode([failed('b@b.example'), nowhere], 0)).toBe(67);
  });
  it('is 65 when an address was refused and no recipient failed', () => {
    expect(exitCode([delivered(ANN), deferred('b@b.example')], 1)).toBe(65);
    expect(exitCode([], 2)).toBe(65);
  });
});
