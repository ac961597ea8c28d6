import type { Arity, Flag, Grammar } from './getopt.ts';
import { type Manner, type Setting, settingOf } from './sendmail-settings.ts';

/**
 * Every option that one of the sendmails knows and a caller was seen to use, with how it takes its value. What is in
 * `NEVER_HEARD` is read and has no effect: some of it is history, and a file that a caller names (`-X`, `-C`, `-oQ`) is
 * never opened, because web programs pass words of strangers.
 */
const LETTERS: Readonly<Record<string, Arity>> = {
  ...{ t: 'none', i: 'none', n: 'none', v: 'none', m: 'none', G: 'none', U: 'none', I: 'none' },
  ...{ c: 'none', s: 'none', T: 'none', x: 'none' },
  ...{ f: 'required', r: 'required', F: 'required', B: 'required', N: 'required', R: 'required', V: 'required' },
  ...{ b: 'required', o: 'required', O: 'required', e: 'required', h: 'required', p: 'required', L: 'required' },
  ...{ A: 'required', a: 'required', C: 'required', D: 'required', M: 'required', X: 'required' },
  ...{ q: 'attached', Q: 'attached', d: 'attached', E: 'attached', J: 'attached' },
};

/** Ours, and msmtp's, as they stand in the settings of git, emacs and mutt. */
const NAMES: Readonly<Record<string, Arity>> = {
  ...{ help: 'none', version: 'none', debug: 'none', 'read-recipients': 'none', 'read-envelope-from': 'none' },
  'skip-empty': 'none',
  'verify-rcpt': 'none',
  ...{ from: 'required', account: 'required', file: 'required' },
};

/** Exim's options for what a message came by; the value is the next word. */
const EXIM_FACTS = /^M(?:a|as|ai|aa|i|m|r|s|t)$/;

export const GRAMMAR: Grammar = {
  letters: LETTERS,
  names: NAMES,
  takesNext: (letter, value) => letter === 'o' && EXIM_FACTS.test(value),
};

/** What the flags say of the manner, the last one of a kind. */
export function mannerOf(name: string, flags: readonly Flag[]): Manner {
  const last: Setting = Object.assign({}, ...flags.map(settingOf));
  const asItIs = flags.some((flag) => flag.name === 'G');
  return {
    name,
    ignoreDots: last.ignoreDots ?? false,
    mend: !asItIs,
    encode: !asItIs && last.smtpUtf8 !== true,
    errors: last.errors ?? 'print',
    hops: Number(flags.findLast(({ name: letter }) => letter === 'h')?.value ?? 0),
    verifies: flags.some(({ name: long }) => long === 'verify-rcpt'),
  };
}
