/** A piece of an address list (RFC 5322, section 3.2). Of white space only its trace is kept. */
export interface Token {
  /**
   * A special character stands for itself; `stray` is one that has no place outside quotes, `fault` what can't be
   * read at all, `encoded` an encoded word (RFC 2047), which may hold specials although it must not.
   */
  readonly kind: 'atom' | 'quoted' | 'encoded' | 'literal' | 'comment' | 'stray' | 'fault' | Special;
  /** Without quotes, brackets, parentheses and escapes; of a fault, the reason. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** White space or a comment stands before it. */
  readonly spaced: boolean;
}

const SPECIALS = ['@', '.', ',', ';', ':', '<', '>'] as const;
export type Special = (typeof SPECIALS)[number];

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, OPEN, CLOSE, EQUALS, OPEN_LITERAL, BACKSLASH] = [0x22, 0x28, 0x29, 0x3d, 0x5b, 0x5c];

/** What a character is outside of quotes; those that are not ASCII belong to atoms (RFC 6532, section 3.2). */
function classOf(code: number): 'control' | 'blank' | 'atom' | 'stray' | Special {
  if (code === TAB || code === SPACE) return 'blank';
  if (code < SPACE || code === 0x7f) return 'control';
  const char = String.fromCharCode(code);
  return SPECIALS.find((one) => one === char) ?? ('()[]"\\'.includes(char) ? 'stray' : 'atom');
}

/** Nothing that could be an address fits between its question marks, so none is ever hidden in one. */
const ENCODED_WORD = /=\?[\w*'-]{1,60}\?[BQbq]\?[^\0-\x20\x7f?@<>"\\]{0,1000}\?=/y;
const LITERAL = /\[[^\0-\x08\x0a-\x1f\x7f()<>[\]@\\,;"]*\]?/y;
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

const OPEN_QUOTE = 'a quoted string is not closed';
const OPEN_COMMENT = 'a comment is not closed';
const CONTROL_CHARACTER = 'it holds a control character';

/**
 * The tokens of a text, in order, each character looked at a bounded number of times. A quoted string or comment that
 * is not closed is a fault up to the end of the text: nobody can know what in it was meant as an address. Line ends
 * are faults, but where the text is `folded` those of folding are white space.
 */
export function* tokens(text: string, folded: boolean): Generator<Token, void> {
  let at = 0;
  let spaced = false;
  while (at < text.length) {
    const after = afterBlanks(text, at, folded);
    if (after > at) {
      at = after;
      spaced = true;
    } else {
      const token = readToken(text, at, { folded, spaced });
      yield token;
      spaced = token.kind === 'comment';
      at = token.end;
    }
  }
}

function afterBlanks(text: string, from: number, folded: boolean): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === SPACE || code === TAB) at += 1;
    else if (folded && code === LF && isFold(text, at)) at += 1;
    else if (folded && code === CR && text.charCodeAt(at + 1) === LF && isFold(text, at + 1)) at += 2;
    else return at;
  }
  return at;
}

/** Whether a blank, or the end of the text, follows the line feed. */
const isFold = (text: string, lf: number): boolean =>
  lf + 1 === text.length || classOf(text.charCodeAt(lf + 1)) === 'blank';

function readToken(text: string, start: number, state: { folded: boolean; spaced: boolean }): Token {
  const { spaced } = state;
  const code = text.charCodeAt(start);
  const kind = classOf(code);
  if (kind === 'atom') {
    const encoded = code === EQUALS ? endOf(ENCODED_WORD, text, start) : start;
    if (encoded > start) return { kind: 'encoded', text: text.slice(start, encoded), start, end: encoded, spaced };
    let end = start + 1;
    while (end < text.length && classOf(text.charCodeAt(end)) === 'atom') end += 1;
    return { kind, text: text.slice(start, end), start, end, spaced };
  }
  if (code === QUOTE) return readQuoted(text, start, state);
  if (code === OPEN) return readComment(text, start, state);
  if (code === OPEN_LITERAL) {
    const end = endOf(LITERAL, text, start);
    if (text.charAt(end - 1) !== ']') return { kind: 'stray', text: '[', start, end, spaced };
    return { kind: 'literal', text: text.slice(start + 1, end - 1), start, end, spaced };
  }
  const end = start + 1;
  if (kind === 'control' || kind === 'blank') return { kind: 'fault', text: CONTROL_CHARACTER, start, end, spaced };
  return { kind, text: text.charAt(start), start, end, spaced };
}

/** Where the sticky expression's match ends; `at` where there is none. */
function endOf(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : at;
}

function readQuoted(text: string, start: number, state: { folded: boolean; spaced: boolean }): Token {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  if (at >= text.length) return { kind: 'fault', text: OPEN_QUOTE, start, end: text.length, spaced: state.spaced };
  return enclosed('quoted', text.slice(start + 1, at), { start, end: at + 1, ...state });
}

function readComment(text: string, start: number, state: { folded: boolean; spaced: boolean }): Token {
  let depth = 0;
  let at = start;
  do {
    const code = text.charCodeAt(at);
    if (code === OPEN) depth += 1;
    else if (code === CLOSE) depth -= 1;
    at += code === BACKSLASH ? 2 : 1;
  } while (depth > 0 && at < text.length);
  if (depth > 0) return { kind: 'fault', text: OPEN_COMMENT, start, end: text.length, spaced: state.spaced };
  return enclosed('comment', text.slice(start + 1, at - 1), { start, end: at, ...state });
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly folded: boolean;
  readonly spaced: boolean;
}

function enclosed(kind: 'quoted' | 'comment', raw: string, { folded, ...place }: Place): Token {
  const unfolded = folded ? raw.replace(/\r?\n(?=[ \t])/g, '') : raw;
  if (CONTROL.test(unfolded)) return { kind: 'fault', text: CONTROL_CHARACTER, ...place };
  return { kind, text: unfolded.includes('\\') ? unfolded.replace(/\\(.)/gs, '$1') : unfolded, ...place };
}
