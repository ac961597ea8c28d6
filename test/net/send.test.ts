import { describe, expect, test } from 'vitest';
import type { Part, WireTrouble } from '../../src/smtp/dialogue.ts';
import { body, say, send } from '../support/parts.ts';
import { messageOf, streamed, talk } from '../support/talk.ts';

describe('sendFlight() sends a message', () => {
  const script = 'S: 220\nC: DATA\nS: 354\nC: <message>\nS: 250 queued';
  const text = '.one\r\ntwo\n..\r\nend';

  test('with dots and line ends as DATA wants them when it is in memory', async () => {
    const { messages } = await talk(script, send([say('DATA')], [body(messageOf(text))]));
    expect(messages.map(String)).toEqual(['Subject: hi\r\n\r\n..one\r\ntwo\r\n...\r\nend\r\n.\r\n']);
  });

  test('the same when it is streamed in pieces of any size', async () => {
    const source = streamed([...text].map((character) => Buffer.from(character)));
    const { messages } = await talk(script, send([say('DATA')], [body(messageOf(source))]));
    expect(messages.map(String)).toEqual(['Subject: hi\r\n\r\n..one\r\ntwo\r\n...\r\nend\r\n.\r\n']);
  });

  test('byte for byte when it is large and the server reads slowly', async () => {
    const piece = Buffer.from(`${'0123456789'.repeat(7)}\r\n`.repeat(4_000));
    const source = streamed(Array<Buffer>(20).fill(piece));
    const { value, messages } = await talk(script, send([say('DATA')], [body(messageOf(source))]));
    expect(value).toEqual([220, 354, 250]);
    const want = Buffer.concat([Buffer.from('Subject: hi\r\n\r\n'), ...Array<Buffer>(20).fill(piece)]);
    expect(messages[0]?.subarray(0, -3).equals(want)).toBe(true);
  });
});

describe('sendFlight() destroys the connection without the final dot when', () => {
  const script = 'S: 220\nC: DATA\nS: 354\nC: <half message>\nC: …';
  const chunk = 'S: 220\nC: DATA\nS: 354\nC: BDAT…\nC: <message>';
  const cut = async (parts: readonly Part[], text = script) => {
    const server = talk(text, send([say('DATA')], parts));
    await expect(server).rejects.toThrow('the client hung up');
  };
  test('the source fails', () => cut([body(messageOf(streamed([Buffer.from('one\r\n')], new Error('gone'))))]));
  test('a chunk of BDAT gets shorter', () => {
    const short = messageOf(streamed([Buffer.from('one\r\n')]), 30);
    return cut([say('BDAT 30 LAST', 'dot', false), body(short, 'plain')], chunk);
  });
  test('a chunk of BDAT gets longer', () => {
    const long = messageOf(streamed([Buffer.from('one\r\n'), Buffer.from('two\r\n')]), 20);
    return cut([say('BDAT 20 LAST', 'dot', false), body(long, 'plain')], chunk);
  });
  test('and says so', async () => {
    const failing = messageOf(streamed([Buffer.from('one\r\n')], new Error('disk is gone')));
    const { error } = await talk(script.replace('\nC: …', ''), send([say('DATA')], [body(failing)]));
    expect(error).toMatchObject({ trouble: 'source', stage: 'body', ended: false });
    expect(error?.message).toBe('Cannot read message: disk is gone');
  });
});

describe('sendFlight() stops sending the message when its answer comes before its end', () => {
  const endless = messageOf(streamed(Array<Buffer>(4_000).fill(Buffer.alloc(64 * 1024, 'x\r\n'))));
  const cases: readonly [string, string, WireTrouble][] = [
    ['a refusal', 'S: 552 5.3.4 too big\n--: silence', 'closed'],
    ['a refusal, and the connection closes', 'S: 552 5.3.4 too big\n--: close', 'closed'],
    ['a refusal, and the connection is reset', 'S: 552 5.3.4 too big\n--: reset', 'closed'],
    ['a 421', 'S: 421 4.3.2 bye\n--: close', 'closed'],
    ['a success', 'S: 250 ok\n--: silence', 'unasked'],
  ];
  for (const [name, answer, trouble] of cases) {
    test(name, async () => {
      const { error } = await talk(
        `S: 220\nC: DATA\nS: 354\nC: <half message>\n${answer}`,
        send([say('DATA')], [body(endless)]),
      );
      expect(error).toMatchObject({ trouble, stage: 'body', ended: false });
      expect(error?.replies.map(({ code }) => code)).toEqual([Number(answer.slice(3, 6))]);
    });
  }
});

test('sendFlight() does not deadlock when thousands of commands are answered while they are written', async () => {
  const count = 5_000;
  const line = `RCPT TO:<${'x'.repeat(200)}@example.test>`;
  const answer = `250 ${'y'.repeat(200)}`;
  const script = `S: 220\n${`C: ${line}\nS: ${answer}\n`.repeat(count)}`;
  const { value } = await talk(script, send(Array<Part>(count).fill(say(line, 'rcpt'))));
  expect(value).toHaveLength(count + 1);
});
