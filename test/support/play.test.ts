import { describe, expect, test } from 'vitest';
import { ask, type Dialogue, flight, listen, startTls, type WireError } from '../../src/smtp/dialogue.ts';
import { play } from './play.ts';
import { parseScript } from './script.ts';

const say = (line: string, reply = true) => ({ kind: 'command', line, stage: 'mail', reply }) as const;

function* pipelined(): Dialogue<void> {
  yield* listen('greeting');
  yield* flight([say('A'), say('B')]);
}

describe('play() throws when the dialogue', () => {
  const bad = (why: string, script: string, dialogue: () => Dialogue<unknown>, message: string): void =>
    test(why, () => expect(() => play(dialogue(), script)).toThrow(`Cannot play script: ${message}`));
  bad('sends another command', 'S: 220\nC: X', pipelined, 'the client sent "A"; line 2 is {"who":"client","line":"X"}');
  bad(
    'pipelines and should not',
    'S: 220\nC: A\nS: 250\nC: B',
    pipelined,
    'the client sent "B"; line 3 is "250\\r\\n"',
  );
  bad('waits and should pipeline', 'S: 220\nC: A\nC: B\nC: C', pipelined, 'the client waits for a reply; line 4');
  bad('says less', 'S: 220\nC: A\nC: B\nS: 250\nS: 250\nC: C', pipelined, 'the client did not send this; line 6');
  bad('leaves a reply', 'S: 220\nC: A\nC: B\nS: 250\nS: 250\nS: 250', pipelined, 'nobody read this; line 6');
  bad('goes on after the end', 'S: 220\nC: A', pipelined, 'the client sent "B" after its end');
  bad('waits at the end', 'S: 220\nC: A\nC: B\nS: 250', pipelined, 'it ends while the client waits for a reply');
});

test('play() lets a reply unread when nobody waits for it', () => {
  function* quit(): Dialogue<void> {
    yield* flight([say('QUIT', false)]);
  }
  expect(play(quit(), 'C: QUIT\nS: 221 bye').commands).toEqual(['QUIT']);
  expect(play(quit(), 'C: QUIT').commands).toEqual(['QUIT']);
});

test('play() throws the wire trouble into the dialogue when the script breaks it', () => {
  function* careful(): Dialogue<string> {
    try {
      yield* ask('STARTTLS', 'starttls');
      yield* startTls();
    } catch (error) {
      return (error as WireError).trouble;
    }
    return 'none';
  }
  const start = 'C: STARTTLS\nS: 220\n';
  expect(play(careful(), `${start}--: tls`).value).toBe('none');
  expect(play(careful(), `${start}--: tls-fails`).value).toBe('tls');
  expect(play(careful(), `${start}--: close`).value).toBe('closed');
  expect(play(careful(), `${start}S: 250 forged`).value).toBe('unasked');
});

test('parseScript() reads escapes, open ends and wildcards', () => {
  const [open, escaped, backslash] = parseScript('S: 2\\\nS: 250 \\x41\\t\nS: a\\\\');
  expect(open).toMatchObject({ bytes: Buffer.from('2') });
  expect(escaped).toMatchObject({ bytes: Buffer.from('250 A\t\r\n') });
  expect(backslash).toMatchObject({ bytes: Buffer.from('a\\\r\n') });
  expect(() => parseScript('X: what')).toThrow('line 1 is "X: what"');
  expect(() => parseScript('--: what')).toThrow('line 1 is "--: what"');
});
