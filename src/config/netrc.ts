/*
 * The password in a `.netrc` or `.authinfo`; pure. The file is words between blanks and line ends: `machine` or `host`
 * with a name begins an entry, `default` one for every host, and `login`, `password` and `port` with a value fill it.
 * What other programs put there is passed over: `account`, macros (`macdef` to the next blank line), words that nobody
 * knows, and lines that begin with `#`. A word in double quotes may hold blanks; `\` escapes there.
 *
 * The first entry counts that has a password, is for the host, and has the user and the port that are asked for, or
 * leaves them out. A `default` must name the user: its password would else be shown to any server.
 */
export interface NetrcQuestion {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

interface Entry {
  /** Undefined: of a `default`. */
  readonly host?: string;
  login?: string;
  password?: string;
  port?: string;
}

/** The password for a login; undefined where the file has none. */
export function findInNetrc(text: string, question: NetrcQuestion): string | undefined {
  return entriesOf(text).find((entry) => entry.password !== undefined && fits(entry, question))?.password;
}

function fits({ host, login, port }: Entry, question: NetrcQuestion): boolean {
  if (port !== undefined && numberOf(port) !== question.port) return false;
  if (host === undefined) return login === question.user;
  return host.toLowerCase() === question.host.toLowerCase() && (login === undefined || login === question.user);
}

/** As /etc/services has them. */
const PORTS: Readonly<Record<string, number>> = {
  smtp: 25,
  smtps: 465,
  submissions: 465,
  ssmtp: 465,
  submission: 587,
  lmtp: 24,
};

const numberOf = (port: string): number | undefined =>
  /^[0-9]{1,5}$/.test(port) ? Number(port) : Object.hasOwn(PORTS, port) ? PORTS[port] : undefined;

/** What each word that has a value fills. */
const KEYS: Readonly<Record<string, 'login' | 'password' | 'port' | 'nothing'>> = {
  login: 'login',
  user: 'login',
  password: 'password',
  secret: 'password',
  port: 'port',
  protocol: 'port',
  account: 'nothing',
};

function entriesOf(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  const words = wordsOf(text);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const value = words[at + 1];
    if (word === 'machine' || word === 'host') {
      entries.push({ host: value ?? '' });
      at += 1;
    } else if (word === 'default') entries.push({});
    else if (Object.hasOwn(KEYS, word) && value !== undefined) {
      const key = KEYS[word] ?? 'nothing';
      const entry = entries.at(-1);
      if (entry !== undefined && key !== 'nothing') entry[key] = value;
      at += 1;
    }
  }
  return entries;
}

/** The words, without macros and lines of comment. A quote that is not closed ends with the file. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  // Blanks, a comment, a quoted word, or a plain one: each character is looked at once.
  const next = /(\s+)|"((?:[^"\\]|\\[\s\S])*)(?:"|$)|[^\s"]\S*/gy;
  let startsLine = true;
  for (;;) {
    const found = next.exec(text);
    if (found === null) return words;
    const [word, blanks, inQuotes] = found;
    if (blanks !== undefined) {
      startsLine ||= blanks.includes('\n');
      continue;
    }
    if (startsLine && word.startsWith('#')) next.lastIndex = endOfLine(text, found.index);
    else if (word === 'macdef') next.lastIndex = endOfMacro(text, next.lastIndex);
    else words.push(inQuotes === undefined ? word : unescaped(inQuotes));
    startsLine = false;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** A macro ends before a blank line. */
function endOfMacro(text: string, at: number): number {
  const end = /\n\r?\n/g;
  end.lastIndex = at;
  return end.exec(text)?.index ?? text.length;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

const unescaped = (text: string): string =>
  text.replace(/\\([\s\S])/g, (_, character: string) => ESCAPES[character] ?? character);
