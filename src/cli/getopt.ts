import { quoted } from '../mail/printable.ts';

/*
 * A getopt in the manner of sendmail's own: single letters, which may stand together (`-ti`), values attached or in the
 * next word, and values that are only ever attached (`-q30m`, but never `-q bob`). Options may stand behind operands, as
 * people type them; `--` ends them. What the letters mean is not judged here.
 */

/** `attached`: a value that is there only where it is in the same word. */
export type Arity = 'none' | 'required' | 'attached';

export interface Grammar {
  readonly letters: Readonly<Record<string, Arity>>;
  /** Those of two dashes, by their names; a required value may stand behind `=` or in the next word. */
  readonly names: Readonly<Record<string, Arity>>;
  /** Whether an attached value takes the next word with it, which is then passed over: Exim's `-oMr smtp`. */
  takesNext(letter: string, value: string): boolean;
}

/** One option, in the order given; `value` is empty where it has none. */
export interface Flag {
  readonly name: string;
  readonly value: string;
}

export type Options =
  | { readonly flags: readonly Flag[]; readonly operands: readonly string[] }
  | { readonly wrong: string };

export function getopt(words: readonly string[], grammar: Grammar): Options {
  const flags: Flag[] = [];
  const operands: string[] = [];
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--') {
      operands.push(...left);
      break;
    }
    if (word === '-') return { wrong: 'option "-" is no option; recipients that begin with one stand behind --' };
    const take = word.startsWith('--') ? takeName : word.startsWith('-') ? takeLetters : undefined;
    if (take === undefined) operands.push(word);
    const wrong = take?.(word, { left, grammar, flags });
    if (wrong !== undefined) return { wrong };
  }
  return { flags, operands };
}

interface Reading {
  /** The words that were not read yet. */
  readonly left: string[];
  readonly grammar: Grammar;
  readonly flags: Flag[];
}

const own = (table: Readonly<Record<string, Arity>>, name: string): Arity | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

function takeName(word: string, { left, grammar, flags }: Reading): string | undefined {
  const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  switch (own(grammar.names, name)) {
    case undefined:
      return `unknown option ${quoted(word)}`;
    case 'none':
      if (value !== undefined) return `option ${quoted(`--${name}`)} takes no value`;
      flags.push({ name, value: '' });
      return undefined;
    case 'attached':
      flags.push({ name, value: value ?? '' });
      return undefined;
    case 'required': {
      const found = value ?? left.shift();
      if (found === undefined) return `option ${quoted(word)} needs a value`;
      flags.push({ name, value: found });
      return undefined;
    }
  }
}

function takeLetters(word: string, { left, grammar, flags }: Reading): string | undefined {
  for (let at = 1; at < word.length; at += 1) {
    const name = word.charAt(at);
    const rest = word.slice(at + 1);
    switch (own(grammar.letters, name)) {
      case undefined:
        return `unknown option ${quoted(word)}`;
      case 'none':
        flags.push({ name, value: '' });
        continue;
      case 'attached':
        flags.push({ name, value: rest });
        return undefined;
      case 'required': {
        if (rest !== '' && grammar.takesNext(name, rest)) left.shift();
        const found = rest === '' ? left.shift() : rest;
        if (found === undefined) return `option ${quoted(word)} needs a value`;
        flags.push({ name, value: found });
        return undefined;
      }
    }
  }
  return undefined;
}
