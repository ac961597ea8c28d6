import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContentReader, type LineEnd } from '../../src/submit/smtp-input.ts';
import { inChunks, lineSoup } from '../support/lines.ts';
import { play } from './smtp-play.ts';

const CRLF_ENVELOPE = 'HELO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n';
const SECOND = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\nevil\r\n.\r\n';

/** Content and rest, in chunks of a length; rest is undefined where there was no end. */
function read(text: string, end: LineEnd, length: number): readonly [string, string | undefined] {
  const reader = createContentReader(end);
  let content = '';
  let rest: string | undefined;
  for (const chunk of inChunks(Buffer.from(text, 'latin1'), length)) {
    if (rest !== undefined) {
      rest += chunk.toString('latin1');
      continue;
    }
    const found = reader.push(chunk);
    content += found.bytes.toString('latin1');
    rest = found.rest?.toString('latin1');
  }
  return [content, rest];
}

function good(end: LineEnd, text: string, want: readonly [string, string | undefined]): void {
  for (let length = 1; length <= text.length + 1; length++) {
    expect(read(text, end, length), `${JSON.stringify(text)} in ${length}`).toEqual(want);
  }
}

describe('createContentReader()', () => {
  it('ends at CRLF, dot, CRLF and nowhere else', () => {
    good('crlf', 'a\r\n.\r\nb', ['a\r\n', 'b']);
    good('crlf', '.\r\n', ['', '']);
    for (const end of [
      '\n.\n',
      '\n.\r\n',
      '\r\n.\n',
      '\r.\r',
      '\r.\r\n',
      '\r\n.\r',
      '\r\n.\r\r\n',
      '\r\n\0.\r\n',
      '\r\n. \r\n',
      '\n\r.\r\n',
    ]) {
      const [content, rest] = read(`a${end}b`, 'crlf', 100);
      expect(rest, JSON.stringify(end)).toBeUndefined();
      expect(content).toBe(`a${end}b`.replace('\r\n.', '\r\n'));
    }
  });

  it('ends at LF, dot, LF and nowhere else in a session of LFs', () => {
    good('lf', 'a\n.\nb', ['a\n', 'b']);
    good('lf', '.\n', ['', '']);
    good('lf', 'a\r\n.\r\nb\n', ['a\r\n\r\nb\n', undefined]);
    good('lf', 'a\n..\n.b\n', ['a\n.\nb\n', undefined]);
  });

  it('takes one dot from the start of a line', () => {
    good('crlf', '..\r\n...\r\n.a\r\n.', ['.\r\n..\r\na\r\n', undefined]);
    good('crlf', 'a\n..\r\n', ['a\n..\r\n', undefined]);
    good('crlf', '.\r.\r\n', ['\r.\r\n', undefined]);
    good('crlf', '.\r\r\n.\r\n', ['\r\r\n', '']);
  });

  it('does what plain replacements do, in any cut', () => {
    fc.assert(
      fc.property(
        lineSoup,
        fc.constantFrom<LineEnd>('crlf', 'lf'),
        fc.integer({ min: 1, max: 9 }),
        (bytes, end, length) => {
          const line = end === 'crlf' ? '\r\n' : '\n';
          const text = `${line}${bytes.toString('latin1')}`;
          const at = text.indexOf(`${line}.${line}`);
          const whole = at < 0 ? text : text.slice(0, at + line.length);
          const held = at < 0 ? whole.replace(end === 'crlf' ? /(\r\n)\.\r?$/ : /(\n)\.$/, '$1') : whole;
          const content = held.replaceAll(`${line}.`, line).slice(line.length);
          const rest = at < 0 ? undefined : text.slice(at + 1 + 2 * line.length);
          expect(read(text.slice(line.length), end, length)).toEqual([content, rest]);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('session() and messages that carry commands', () => {
  it.each(['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\r\n\0.\r\n', '\r\r\n..\r\r\n', '\n\r.\n\r'])(
    'takes one message where a lax server sees its end in %j',
    (end) => {
      const { messages } = play([Buffer.from(`${CRLF_ENVELOPE}text${end}${SECOND}QUIT\r\n`, 'latin1')]);
      expect(messages).toHaveLength(1);
      expect(messages[0]?.content).toContain('MAIL FROM:<evil@example.org>');
    },
  );

  it('takes a session that is written with LF throughout', () => {
    const text = 'HELO x\nMAIL FROM:<a@example.org>\nRCPT TO:<b>\nDATA\nSubject: x\n\n..\n.\nQUIT\n';
    const { messages, end } = play([Buffer.from(text)]);
    expect(messages.map(({ content }) => content)).toEqual(['Subject: x\n\n.\n']);
    expect(end).toEqual({ why: 'quit', accepted: 1 });
  });

  it('holds a session to CRLF once a command ended in it', () => {
    const text = 'HELO x\r\nMAIL FROM:<a@example.org>\nRCPT TO:<b>\nDATA\nx\n.\nRSET\n\r\n.\r\n';
    const { messages } = play([Buffer.from(text)]);
    expect(messages.map(({ content }) => content)).toEqual(['x\n.\nRSET\n\r\n']);
  });

  it('lets no CRLF end a message in a session of LFs', () => {
    const text = `HELO x\nMAIL FROM:<a@example.org>\nRCPT TO:<b>\nDATA\nx\r\n.\r\n${SECOND}\n.\nQUIT\n`;
    expect(play([Buffer.from(text)]).messages).toHaveLength(1);
  });
});
