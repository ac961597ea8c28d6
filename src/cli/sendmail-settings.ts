import type { Flag } from './getopt.ts';

/* What `-o`, `-O` and `-e` say, which posthaste's own options know as well. */

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
