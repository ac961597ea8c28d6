import { describe, expect, it } from 'vitest';
import { errorJson, historyJson, printJson, refusedJson, resultJson } from '../../src/cli/json.ts';
import { deferred, delivered, failed, PEER, reply } from './support.ts';

describe('resultJson()', () => {
  it('has the remote’s words, its queue id and where it was when the message was delivered', () => {
    expect(resultJson(delivered('ann@example.org'))).toEqual({
      recipient: 'ann@example.org',
      outcome: 'delivered',
      status: '2.0.0',
      code: 250,
      text: '2.0.0 Ok: queued as 4ABC1',
      host: 'mx.example.net',
      address: '192.0.2.1',
      port: 25,
      tls: null,
      queueId: '4ABC1',
    });
  });

  it('has a status and no queue id when the server names none', () => {
    const plain = resultJson(delivered('ann@example.org', '250 fine'));
    expect(plain.status).toBe('2.0.0');
    expect(plain).not.toHaveProperty('queueId');
  });

  it('has the facts of TLS when the connection was encrypted', () => {
    const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', verified: true };
    expect(resultJson({ ...delivered('ann@example.org'), peer: { ...PEER, tls } }).tls).toEqual(tls);
  });

  it('has both sides’ words when it failed', () => {
    expect(resultJson(failed('bob@example.net', { reply: reply('550 5.1.1 No|such user'), advice: 'Ask' }))).toEqual({
      recipient: 'bob@example.net',
      outcome: 'failed',
      status: '5.1.1',
      code: 550,
      text: '5.1.1 No\nsuch user',
      error: 'refused when sending RCPT',
      advice: 'Ask',
      stage: 'rcpt',
      host: 'mx.example.net',
      address: '192.0.2.1',
    });
  });

  it('says when a deferred message may have been delivered', () => {
    const lost = resultJson(deferred('bob@example.net', { stage: 'dot', uncertain: true }));
    expect(lost).toMatchObject({ outcome: 'deferred', uncertain: true, stage: 'dot' });
    expect(lost).not.toHaveProperty('code');
  });
});

describe('historyJson()', () => {
  it('has attempts and times in UTC', () => {
    const result = delivered('ann@example.org');
    const { attempts, firstAttempt, lastAttempt } = historyJson({
      recipient: result.recipient,
      result,
      attempts: 2,
      first: 0,
      last: 1500,
    });
    expect([attempts, firstAttempt, lastAttempt]).toEqual([2, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.500Z']);
  });
});

describe('refusedJson() and errorJson()', () => {
  it('gives a recipient without attempts when the address was refused', () => {
    expect(refusedJson({ text: 'a@@b', reason: 'no' })).toEqual({
      recipient: 'a@@b',
      outcome: 'failed',
      status: '5.1.3',
      error: 'no',
      attempts: 0,
    });
  });
  it('gives an object of the same form when nothing could be done', () => {
    expect(errorJson('no recipient', 64)).toEqual({
      version: 1,
      exit: 64,
      recipients: [],
      error: { message: 'no recipient' },
    });
  });
});

describe('printJson()', () => {
  it('is one line that reads back when text has controls', () => {
    const value = { text: 'a\r\nb\x1b[2J\x9b\u2028\u202e\x7f' };
    const printed = printJson(value);
    expect(printed).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u202e]*\n$/);
    expect(JSON.parse(printed)).toEqual(value);
  });
});
