import type { Arity, Flag, Grammar } from './getopt.ts';

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

/** msmtp's, as they stand in the settings of git, emacs and mutt. */
const NAMES: Readonly<Record<string, Arity>> = {
  ...{ help: 'none', version: 'none', debug: 'none', 'read-recipients': 'none', 'read-envelope-from': 'none' },
  ...{ from: 'required', account: 'required', file: 'required' },
};

/** Exim's options for what a message came by; the value is the next word. */
const EXIM_FACTS = /^M(?:a|as|ai|aa|i|m|r|s|t)$/;

export const GRAMMAR: Grammar = {
  letters: LETTERS,
  names: NAMES,
  takesNext: (letter, value) => letter === 'o' && EXIM_FACTS.test(value),
};

/** What `-o` and `-O` ask for that matters here. */
export type Setting = { readonly mode: 'b' | 'i' | 'q' } | { readonly requireTls: true };

/** Sendmail's deliver modes, with Exim's `f` and Sendmail's `d`, which waits for a queue run as `q` does. */
const MODES: Readonly<Record<string, 'b' | 'i' | 'q'>> = { b: 'b', i: 'i', f: 'i', q: 'q', d: 'q' };

export function settingOf({ name, value }: Flag): Setting | undefined {
  if (name === 'o' && value.startsWith('d')) return modeSetting(value.slice(1));
  const [, key = '', text = ''] = (name === 'O' && /^\s*(\w+)\s*=\s*(.*)$/s.exec(value)) || [];
  if (/^deliverymode$/i.test(key)) return modeSetting(text);
  return /^requiretls$/i.test(key) && /^(?:y|t|1)/i.test(text) ? { requireTls: true } : undefined;
}

function modeSetting(text: string): Setting | undefined {
  const mode = MODES[text.charAt(0).toLowerCase()];
  return mode === undefined ? undefined : { mode };
}
