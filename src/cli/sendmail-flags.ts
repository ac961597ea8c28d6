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

/** Who hears of what went wrong: `-oep`, `-oem` and `-oew`, `-oeq`, `-oee`. */
export type ErrorMode = 'print' | 'mail' | 'quiet' | 'mail and succeed';

/** How a sendmail treats a message that it is given. */
export interface Manner {
  /** What the program was called by, for what it says. */
  readonly name: string;
  /** `-i`: a lone dot is text. */
  readonly ignoreDots: boolean;
  /** Addresses in the header get a domain, and UTF-8 in the body its name; not with `-G`. */
  readonly mend: boolean;
  /** The header is made ASCII; not with `-G` either, nor where the caller knows of UTF-8 (`-U`). */
  readonly encode: boolean;
  readonly errors: ErrorMode;
  /** `-h`: how many hosts the message came through, beside those that its header names. */
  readonly hops: number;
  /** `-bs` asks the servers at RCPT. */
  readonly verifies: boolean;
}

/** What `-o`, `-O` and `-e` ask for that matters here. */
export interface Setting {
  readonly mode?: 'b' | 'i' | 'q';
  readonly requireTls?: boolean;
  readonly ignoreDots?: boolean;
  readonly smtpUtf8?: boolean;
  readonly errors?: ErrorMode;
}

/** Sendmail's deliver modes, with Exim's `f` and Sendmail's `d`, which waits for a queue run as `q` does. */
const MODES: Readonly<Record<string, 'b' | 'i' | 'q'>> = { b: 'b', i: 'i', f: 'i', q: 'q', d: 'q' };

const ERRORS: Readonly<Record<string, ErrorMode>> = {
  ...{ p: 'print', m: 'mail', w: 'mail', q: 'quiet', e: 'mail and succeed' },
};

/** As Sendmail reads them: nothing at all is yes. */
const isYes = (text: string): boolean => /^(?:$|[ty1])/i.test(text);

export function settingOf({ name, value }: Flag): Setting {
  const rest = value.slice(1);
  if (name === 'i') return { ignoreDots: true };
  if (name === 'U') return { smtpUtf8: true };
  if (name === 'e') return errorSetting(value);
  if (name === 'o' && value.startsWith('d')) return modeSetting(rest);
  if (name === 'o' && value.startsWith('e')) return errorSetting(rest);
  if (name === 'o' && value.startsWith('i')) return { ignoreDots: isYes(rest) };
  const [, key = '', text = ''] = (name === 'O' && /^\s*(\w+)\s*(?:=\s*(.*))?$/s.exec(value)) || [];
  switch (key.toLowerCase()) {
    case 'deliverymode':
      return modeSetting(text);
    case 'errormode':
      return errorSetting(text);
    case 'ignoredots':
      return { ignoreDots: isYes(text) };
    case 'requiretls':
      return { requireTls: isYes(text) };
    case 'smtputf8':
      return { smtpUtf8: isYes(text) };
    default:
      return {};
  }
}

function modeSetting(text: string): Setting {
  const mode = MODES[text.charAt(0).toLowerCase()];
  return mode === undefined ? {} : { mode };
}

function errorSetting(text: string): Setting {
  const errors = ERRORS[text.charAt(0).toLowerCase()];
  return errors === undefined ? {} : { errors };
}

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
