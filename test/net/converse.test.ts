import { describe, expect, test } from 'vitest';
import { type Dialogue, flight, listen, type Part, WireError, type WireTrouble } from '../../src/smtp/dialogue.ts';
import { body, hi, say, send } from '../support/parts.ts';
import { play } from '../support/play.ts';
import { talk } from '../support/talk.ts';

describe('converse() resolves with what the dialogue returns when', () => {
  const cases: readonly [string, string, () => Dialogue<readonly number[]>, readonly number[]][] = [
    [
      'commands go one by one',
      'S: 220 hi\nC: EHLO me\nS: 250-a\nS: 250 b\nC: QUIT\nS: 221',
      () => send([say('EHLO me')], [say('QUIT')]),
      [220, 250, 221],
    ],
    [
      'commands go in one flight',
      'S: 220 hi\nC: MAIL\nC: RCPT\nC: DATA\nS: 250\nS: 550 no\nS: 354',
      () => send([say('MAIL'), say('RCPT'), say('DATA')]),
      [220, 250, 550, 354],
    ],
    [
      'the message goes after 354 with QUIT',
      'S: 220\nC: DATA\nS: 354\nC: <message>\nC: QUIT\nS: 250 queued\nS: 221',
      () => send([say('DATA')], [body(hi), say('QUIT', 'quit', false)]),
      [220, 354, 250],
    ],
    [
      'the message goes with its envelope',
      'S: 220\nC: MAIL\nC: BDAT 22 LAST\nC: <message>\nC: QUIT\nS: 250\nS: 250\nS: 221',
      () => send([say('MAIL'), say('BDAT 22 LAST', 'dot', false), body(hi, 'plain'), say('QUIT')]),
      [220, 250, 250, 221],
    ],
    [
      'LMTP answers for each recipient',
      'S: 220\nC: DATA\nS: 354\nC: <message>\nS: 250\nS: 550\nS: 450',
      () => send([say('DATA')], [body(hi, 'dots', 3)]),
      [220, 354, 250, 550, 450],
    ],
    [
      'the answer to the dot comes with the reset',
      'S: 220\nC: DATA\nS: 354\nC: <message>\nS: 250 queued\n--: reset',
      () => send([say('DATA')], [body(hi)]),
      [220, 354, 250],
    ],
  ];
  for (const [name, script, dialogue, want] of cases) {
    test(name, async () => {
      expect((await talk(script, dialogue())).value).toEqual(want);
      expect(play(dialogue(), script).value).toEqual(want);
    });
    test(`${name}, and the replies come byte by byte`, async () => {
      // A reset is no test of this: what has not left when it comes never arrives.
      const { value } = await talk(script.replace('reset', 'close'), dialogue(), { server: { cut: 1 } });
      expect(value).toEqual(want);
    });
  }
});

interface Trouble {
  readonly trouble: WireTrouble;
  readonly stage: string;
  /** Codes. */
  readonly replies?: readonly number[];
  readonly ended?: boolean;
}

describe('converse() throws WireError into the dialogue when', () => {
  const cases: readonly [string, string, () => Dialogue<unknown>, Trouble][] = [
    ['the greeting does not come', '--: close', () => send(), { trouble: 'closed', stage: 'greeting' }],
    [
      'the connection is reset',
      'S: 220\nC: EHLO me\n--: reset',
      () => send([say('EHLO me', 'ehlo')]),
      { trouble: 'reset', stage: 'ehlo' },
    ],
    [
      'the greeting is half a reply',
      'S: 220-hi\n--: close',
      () => send([say('EHLO me', 'ehlo')]),
      { trouble: 'closed', stage: 'greeting' },
    ],
    [
      'the reply to the dot has no line end',
      'S: 220\nC: DATA\nS: 354\nC: <message>\nS: 250 2.0.0 o\\\n--: close',
      () => send([say('DATA')], [body(hi)]),
      { trouble: 'closed', stage: 'dot', ended: true },
    ],
    [
      'the reply to the dot has no last line',
      'S: 220\nC: DATA\nS: 354\nC: <message>\nS: 250-queued\n--: close',
      () => send([say('DATA')], [body(hi)]),
      { trouble: 'closed', stage: 'dot', ended: true },
    ],
    [
      'the connection closes within a flight',
      'S: 220\nC: MAIL\nC: RCPT\nC: DATA\nS: 250\nS: 550 no\n--: close',
      () => send([say('MAIL'), say('RCPT', 'rcpt'), say('DATA', 'data')]),
      { trouble: 'closed', stage: 'data', replies: [250, 550] },
    ],
    [
      'the lines of a reply have different codes',
      'S: 220\nC: MAIL\nS: 250-ok\nS: 500 no',
      () => send([say('MAIL')]),
      { trouble: 'malformed', stage: 'mail' },
    ],
    [
      'the server speaks another protocol',
      'S: SSH-2.0-OpenSSH_9.2',
      () => send(),
      { trouble: 'malformed', stage: 'greeting' },
    ],
    [
      'the reply to EHLO is there before EHLO',
      'S: 220 hi\nS: 250 hi',
      () => send([say('EHLO me', 'ehlo')]),
      { trouble: 'unasked', stage: 'ehlo' },
    ],
    [
      'a part of a reply is there before EHLO',
      'S: 220 hi\nS: 2\\',
      () => send([say('EHLO me', 'ehlo')]),
      { trouble: 'unasked', stage: 'ehlo' },
    ],
    [
      'the answer to the dot is there behind the 354',
      'S: 220\nC: DATA\nS: 354 go\nS: 250 queued',
      () => send([say('DATA')], [body(hi)]),
      { trouble: 'unasked', stage: 'body' },
    ],
    [
      'a 421 is there behind the 354',
      'S: 220\nC: DATA\nS: 354 go\nS: 421 bye\n--: close',
      () => send([say('DATA')], [body(hi)]),
      { trouble: 'closed', stage: 'body' },
    ],
  ];
  for (const [name, script, dialogue, want] of cases) {
    const check = (error: WireError | undefined): void => {
      const codes = error?.replies.map(({ code }) => code);
      const got = { trouble: error?.trouble, stage: error?.stage, replies: codes, ended: error?.ended };
      expect(got).toEqual({ replies: [], ended: false, ...want });
    };
    test(name, async () => check((await talk(script, dialogue())).error));
    test(`${name} (played)`, () => {
      try {
        play(dialogue(), script);
      } catch (error) {
        if (error instanceof WireError) return check(error);
        throw error;
      }
      throw new Error('nothing was thrown');
    });
  }
});

test('converse() gives the 421 as a farewell when it comes before the command', async () => {
  const script = 'S: 220\nC: DATA\nS: 354 go\nS: 421 4.3.2 bye\n--: close';
  const { error } = await talk(script, send([say('DATA')], [body(hi)]));
  expect(error?.farewell).toEqual({ code: 421, status: '4.3.2', lines: ['4.3.2 bye'] });
});

describe('converse() gives up after an absolute limit when', () => {
  const limits = { greeting: 0.05, mail: 0.05, dot: 0.05 };
  const cases: readonly [string, string, () => Dialogue<unknown>, Trouble][] = [
    ['nothing comes', '--: silence', () => send(), { trouble: 'timeout', stage: 'greeting' }],
    [
      'the answer to the dot does not come',
      'S: 220\nC: DATA\nS: 354\nC: <message>\n--: silence',
      () => send([say('DATA')], [body(hi)]),
      { trouble: 'timeout', stage: 'dot', ended: true },
    ],
    [
      'the second reply of a flight does not come',
      'S: 220\nC: MAIL\nC: MAIL\nS: 250\n--: silence',
      () => send([say('MAIL'), say('MAIL')]),
      { trouble: 'timeout', stage: 'mail', replies: [250] },
    ],
  ];
  for (const [name, script, dialogue, want] of cases) {
    test(name, async () => {
      const { error } = await talk(script, dialogue(), { channel: { timeouts: limits } });
      expect(error).toMatchObject({ trouble: want.trouble, stage: want.stage, ended: want.ended ?? false });
      expect(error?.replies.map(({ code }) => code)).toEqual(want.replies ?? []);
      expect(error?.message).toBe('no answer within 0.05 s');
    });
  }

  test('bytes drip in', async () => {
    // Each byte is there when it is waited for, and a clock of the test's own runs on.
    let now = 0;
    const monotonic = (): number => now++ * 20;
    const script = `S: 220 ${'x'.repeat(1000)}`;
    const channel = { timeouts: { greeting: 1 }, monotonic };
    const { error } = await talk(script, send(), { server: { cut: 1 }, channel });
    expect(error).toMatchObject({ trouble: 'timeout', stage: 'greeting' });
  });
});

test('converse() throws the same trouble again when the dialogue goes on after it', async () => {
  function* stubborn(): Dialogue<readonly string[]> {
    const seen: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      try {
        yield* listen('greeting');
      } catch (error) {
        if (error instanceof WireError) seen.push(`${error.trouble} ${error.message}`);
      }
    }
    return seen;
  }
  const { value } = await talk('--: close', stubborn());
  expect(value).toEqual(Array(2).fill('closed the server closed the connection'));
});

test('converse() breaks the wire when the signal is aborted', async () => {
  const stop = new AbortController();
  const talked = talk('--: silence', send(), { channel: { signal: stop.signal } });
  setImmediate(() => stop.abort());
  expect((await talked).error).toMatchObject({ trouble: 'closed', message: 'we were told to end' });
});

test('converse() reads the refusal when the server has refused, closed and reset before the next write', async () => {
  const script = 'S: 220\nC: MAIL\nS: 550 5.7.1 go away\n--: reset';
  const { error } = await talk(script, send([say('MAIL'), say('RCPT', 'rcpt'), say('DATA', 'data')]));
  expect(error).toMatchObject({ stage: 'rcpt', replies: [{ code: 550 }] });
});

test('converse() strikes a secret out of every reply that repeats it, but for challenges', async () => {
  const login: Part = { kind: 'command', stage: 'auth', reply: true, line: 'AUTH X c2VjcmV0', secretAfter: 'AUTH X ' };
  function* dialogue(): Dialogue<readonly (readonly string[])[]> {
    yield* listen('greeting');
    const [challenge] = yield* flight([login]);
    const [refusal] = yield* flight([say('MAIL')]);
    return [challenge?.lines ?? [], refusal?.lines ?? []];
  }
  const script = 'S: 220\nC: AUTH…\nS: 334 c2VjcmV0\nC: MAIL\nS: 550-you said c2VjcmV0\nS: 550 and sesame';
  const { value, transcript } = await talk(script, dialogue(), { channel: { secrets: ['sesame'] } });
  expect(value).toEqual([['c2VjcmV0'], ['you said <secret>', 'and <secret>']]);
  expect(transcript.filter((line) => line.startsWith('S: '))).toEqual([
    'S: 220',
    'S: 334 <secret>',
    'S: 550-you said <secret>',
    'S: 550 and <secret>',
  ]);
});

test('converse() shows what was said, without secrets and bodies', async () => {
  const auth = { kind: 'command', stage: 'auth', reply: true } as const;
  const secret: Part = { ...auth, line: 'AUTH PLAIN AGEAYg==', secretAfter: 'AUTH PLAIN ' };
  const answer: Part = { ...auth, line: 'cGFzcw==', secretAfter: '' };
  const { transcript } = await talk(
    'S: 220-a\\x1b[2J\nS: 220 b\nC: AUTH…\nS: 334\nC: …\nS: 235\nC: DATA\nS: 354\nC: <message>\nS: 250',
    send([secret], [answer], [say('DATA')], [body(hi)]),
  );
  expect(transcript.slice(1)).toEqual([
    'S: 220-a\\x1b[2J',
    'S: 220 b',
    'C: AUTH PLAIN <secret>',
    'S: 334',
    'C: <secret>',
    'S: 235',
    'C: DATA',
    'S: 354',
    'C: <25 bytes>',
    'S: 250',
  ]);
  expect(transcript[0]).toMatch(/^--: connected to mx\.test \[127\.0\.0\.1\] port \d+$/);
});
