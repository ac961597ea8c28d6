import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Grammar, getopt } from '../../src/cli/getopt.ts';

const GRAMMAR: Grammar = {
  letters: { t: 'none', i: 'none', v: 'none', f: 'required', o: 'required', q: 'attached' },
  names: { help: 'none', from: 'required', log: 'attached' },
  takesNext: (letter, value) => letter === 'o' && value === 'Mr',
};

const good = (words: readonly string[], flags: readonly string[], operands: readonly string[] = []) =>
  it(`reads ${JSON.stringify(words)}`, () => {
    const read = getopt(words, GRAMMAR);
    if ('wrong' in read) throw new Error(read.wrong);
    expect([read.flags.map(({ name, value }) => `${name}=${value}`), read.operands]).toEqual([flags, operands]);
  });
const bad = (words: readonly string[], why: string) =>
  it(`refuses ${JSON.stringify(words)}`, () => expect(getopt(words, GRAMMAR)).toEqual({ wrong: why }));

describe('getopt()', () => {
  good([], []);
  good(['-t'], ['t=']);
  good(['-ti'], ['t=', 'i=']);
  good(['-tfann'], ['t=', 'f=ann']);
  good(['-f', 'ann', 'bob'], ['f=ann'], ['bob']);
  good(['-f', ''], ['f=']);
  good(['-f', '-t'], ['f=-t']);
  good(['-f<>'], ['f=<>']);
  good(['bob', '-t', 'ann'], ['t='], ['bob', 'ann']);
  good(['-i', '--', '-t', '--'], ['i='], ['-t', '--']);
  good(['-q', 'bob'], ['q='], ['bob']);
  good(['-q30m', 'bob'], ['q=30m'], ['bob']);
  good(['-vq'], ['v=', 'q=']);
  good(['-oMr', 'smtp', 'bob'], ['o=Mr'], ['bob']);
  good(['-o', 'Mr', 'bob'], ['o=Mr'], ['bob']);
  good(['--help'], ['help=']);
  good(['--from=ann', '--from', 'bob'], ['from=ann', 'from=bob']);
  good(['--log', 'bob'], ['log='], ['bob']);
  good(['--log=x=y'], ['log=x=y']);
  good([''], [], ['']);

  bad(['-z'], 'unknown option "-z"');
  bad(['-tz'], 'unknown option "-tz"');
  bad(['-f'], 'option "-f" needs a value');
  bad(['--from'], 'option "--from" needs a value');
  bad(['--bogus'], 'unknown option "--bogus"');
  bad(['--help=x'], 'option "--help" takes no value');
  bad(['--constructor'], 'unknown option "--constructor"');
  bad(['-'], 'option "-" is no option; recipients that begin with one stand behind --');

  it('never throws, and keeps every word behind -- as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (before, behind) => {
        const plain = before.filter((word) => !word.startsWith('-'));
        expect(getopt([...plain, '--', ...behind], GRAMMAR)).toEqual({ flags: [], operands: [...plain, ...behind] });
        expect(() => getopt(before, GRAMMAR)).not.toThrow();
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
