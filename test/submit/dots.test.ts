import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_LIMIT } from '../../src/message/lines.ts';
import { memorySource, type Source } from '../../src/message/source.ts';
import { createDotFilter, dotRule, type LoneDot, undot, untilDot } from '../../src/submit/dots.ts';
import { inChunks } from '../support/lines.ts';

type Rule = 'classic' | 'eof-only';

function filtered(text: string, rule: Rule, length: number): string {
  const filter = createDotFilter(rule);
  let kept = '';
  for (const chunk of inChunks(Buffer.from(text, 'latin1'), length)) kept += filter.push(chunk).toString('latin1');
  return kept;
}

/** The same, wherever the text is cut. */
function good(rule: Rule, text: string, want: string): void {
  for (let length = 1; length <= text.length + 1; length++) {
    expect(filtered(text, rule, length), `${JSON.stringify(text)} in ${length}`).toBe(want);
  }
}

/** What the rules are, as replacements. */
function reference(text: string, rule: Rule): string {
  const ended =
    rule === 'classic' ? text.replace(/(^|\n)\.\r*(\n[\s\S]*|$)/, '$1') : text.replace(/(^|\n)\.\r*\n?$/, '$1');
  return ended.replace(/(^|\n)\.\./g, '$1.');
}

function fromChunks(text: string, length: number): Source {
  return {
    size: text.length,
    async *chunks() {
      yield* inChunks(Buffer.from(text, 'latin1'), length);
    },
  };
}

async function read(source: Source): Promise<string> {
  let text = '';
  for await (const chunk of source.chunks()) text += chunk.toString('latin1');
  return text;
}

describe('createDotFilter()', () => {
  it('ends at the first lone dot where the rule is classic', () => {
    good('classic', 'a\n.\nb\n.\n', 'a\n');
    good('classic', 'a\r\n.\r\nb', 'a\r\n');
    good('classic', '.\n', '');
    good('classic', 'a\n.', 'a\n');
    good('classic', 'a\n.\r', 'a\n');
  });

  it('ends only where nothing follows the dot where the rule is eof-only', () => {
    good('eof-only', 'a\n.\nb\n', 'a\n.\nb\n');
    good('eof-only', 'a\n.\nb\n.\n', 'a\n.\nb\n');
    good('eof-only', 'a\r\n.\r\n.\r\n', 'a\r\n.\r\n');
    good('eof-only', 'a\n.\n\n', 'a\n.\n\n');
    good('eof-only', 'a\n.', 'a\n');
    good('eof-only', '.\n', '');
  });

  it('takes one dot from two at the start of a line', () => {
    for (const rule of ['classic', 'eof-only'] as const) {
      good(rule, '..\n...\n..a\n', '.\n..\n.a\n');
      good(rule, 'a\n..\nb', 'a\n.\nb');
      good(rule, 'a\n..', 'a\n.');
    }
  });

  it('leaves all other dots alone', () => {
    for (const rule of ['classic', 'eof-only'] as const) {
      good(rule, '.a\n a.\n. \nb..\n', '.a\n a.\n. \nb..\n');
      good(rule, 'a\r.\rb', 'a\r.\rb');
      good(rule, '.\ra\n.\r.\n', '.\ra\n.\r.\n');
      good(rule, '', '');
    }
  });

  it('gives up a run of CRs behind a dot that is too long', () => {
    const run = `.${'\r'.repeat(RUN_LIMIT)}`;
    expect(filtered(`${run}\r\n`, 'classic', 70_000)).toBe(`${run}\r\n`);
    expect(filtered(`${run}\nb`, 'classic', 70_000)).toBe('');
  });

  it('says when it has ended, and keeps nothing after that', () => {
    const filter = createDotFilter('classic');
    filter.push(Buffer.from('a\n.'));
    expect(filter.ended).toBe(false);
    filter.push(Buffer.from('\nb'));
    expect(filter.ended).toBe(true);
    expect(filter.push(Buffer.from('c\n')).length).toBe(0);
  });

  it('copies nothing of a chunk without such dots', () => {
    const chunk = Buffer.from('a\nb.\n');
    const kept = createDotFilter('eof-only').push(chunk);
    expect([kept.buffer, kept.byteOffset, kept.length]).toEqual([chunk.buffer, chunk.byteOffset, chunk.length]);
  });

  it('does what plain replacements do, in any cut', () => {
    const piece = fc.constantFrom('.', '..', '\n', '\r\n', '\r', 'a', '\n.\n', '\r\n.\r\n', '\n.');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 20 }),
        fc.constantFrom<Rule>('classic', 'eof-only'),
        fc.integer({ min: 1, max: 8 }),
        (pieces, rule, length) => {
          expect(filtered(pieces.join(''), rule, length)).toBe(reference(pieces.join(''), rule));
        },
      ),
      { seed: 4, numRuns: 1000 },
    );
  });
});

describe('undot()', () => {
  const TEXT = 'a\n..\n.\nb\n.\n';
  const WANT: Record<LoneDot, string> = { classic: 'a\n.\n', 'eof-only': 'a\n.\n.\nb\n', ignore: TEXT };

  it('filters what is in memory and what is not, each time that it is read', async () => {
    for (const rule of ['classic', 'eof-only', 'ignore'] as const) {
      for (const given of [memorySource(Buffer.from(TEXT)), fromChunks(TEXT, 3)]) {
        const source = await undot(given, rule);
        expect(source.size).toBe(WANT[rule].length);
        expect(await read(source)).toBe(WANT[rule]);
        expect(await read(source)).toBe(WANT[rule]);
      }
    }
  });

  it('gives the same source where no dot is to go', async () => {
    for (const source of [memorySource(Buffer.from('a\n.b\n')), fromChunks('a\n.b\n', 2)]) {
      expect(await undot(source, 'classic')).toBe(source);
    }
  });

  it('leaves closing to whoever has the file', async () => {
    let closed = 0;
    const source = await undot({ ...fromChunks(TEXT, 4), close: () => closed++ }, 'classic');
    source.close?.();
    expect(closed).toBe(1);
  });
});

describe('untilDot()', () => {
  it('asks for no more once the dot was typed', async () => {
    let asked = 0;
    async function* typed(): AsyncGenerator<Buffer, void> {
      for (const line of ['Subject: x\n', '\n', 'hello\n', '.\n', 'late\n']) {
        asked++;
        yield Buffer.from(line);
      }
    }
    let text = '';
    for await (const chunk of untilDot(typed())) text += chunk.toString();
    expect(text).toBe('Subject: x\n\nhello\n');
    expect(asked).toBe(4);
  });
});

describe('dotRule()', () => {
  it('follows -i, then the settings, then who writes', () => {
    expect(dotRule({ ignoreDots: true, loneDot: 'classic', terminal: true })).toBe('ignore');
    expect(dotRule({ ignoreDots: false, loneDot: 'ignore', terminal: true })).toBe('ignore');
    expect(dotRule({ ignoreDots: false, terminal: true })).toBe('classic');
    expect(dotRule({ ignoreDots: false, terminal: false })).toBe('eof-only');
    expect(dotRule({ ignoreDots: false, loneDot: 'classic', terminal: false })).toBe('classic');
  });
});
