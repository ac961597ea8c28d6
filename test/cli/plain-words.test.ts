import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OPTIONS } from '../../src/cli/options.ts';
import { readPlainWords } from '../../src/cli/plain-words.ts';
import { readCommandLine } from '../../src/cli/program.ts';

const FLAGS = OPTIONS.flatMap(({ flags }) => flags.split(/[ ,]+/).filter((flag) => flag.startsWith('-')));

const word = fc.oneof(
  fc.constantFrom(...FLAGS),
  fc.constantFrom(
    'ann@x.test',
    'root',
    'explain',
    'queue',
    'a@x,b@y',
    '-',
    '--',
    '',
    '-ti',
    '-tvi',
    '-fme@x',
    '-5',
    '--=',
    '--help',
    '-h',
    '-Z',
  ),
  fc.constantFrom(...FLAGS).map((flag) => `${flag}=10m`),
  fc.constantFrom(...FLAGS).map((flag) => `${flag}x`),
  fc.string({ maxLength: 6 }),
);
const first = fc.constantFrom('send', 'help', 'queue', 'install', 'explain', 'doctor', 'ann@x.test', '-t', '--version');

describe('readPlainWords()', () => {
  test('reads as commander does, or leaves it to commander', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.option(first), (rest, begin) => {
        const words = begin === null ? rest : [begin, ...rest];
        const read = readPlainWords(words);
        if (read === undefined) return;
        plain += 1;
        expect(read).toEqual(readCommandLine(words));
      }),
      { seed: 7, numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(300);
  });

  for (const { flags } of OPTIONS) {
    test(`reads ${flags}`, () => {
      const value = flags.endsWith('>') ? ['value'] : [];
      for (const flag of flags.split(/[ ,]+/).filter((each) => each.startsWith('-'))) {
        const words = [flag, ...value, 'ann@x.test'];
        expect(readPlainWords(words)).toEqual(readCommandLine(words));
      }
    });
  }

  test('leaves to commander what needs an explanation', () => {
    for (const words of [
      ['--help'],
      ['-h'],
      ['--version'],
      ['--jsn'],
      ['-Z'],
      ['--relay'],
      ['--json=1'],
      ['queue'],
      ['a\n@x'],
    ]) {
      expect(readPlainWords(words)).toBeUndefined();
    }
  });
});
