/*
 * On which line a key stands: TOML libraries tell it for syntax errors only. The text has been parsed before, so this
 * need not judge it: tables, dotted and quoted keys are followed, and values are passed over to their end, so that
 * nothing in a long string or list is taken for a key. Keys inside an inline table are found at its own.
 */

/** What stands in a value; a string of any kind is one piece. */
const PIECE =
  /"""(?:[^\\]|\\.)*?"{3,5}|'''.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[{]|[\]}]|\n|[^"'#[\]{}\n]+|./gsy;
const KEY = /[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s."'=#[\]]+)[ \t]*(\.?)/y;

/** Finds the line of a key, or of the nearest table around it that has one; 1 where there is none. */
export function findKeyLines(text: string): (path: readonly string[]) => number {
  const lines = new Map<string, number>();
  let table: readonly string[] = [];
  let at = 0;
  let line = 1;
  const count = (end: number): void => {
    for (; at < end; at++) if (text.charCodeAt(at) === 10) line++;
  };
  const note = (path: readonly string[]): void => {
    for (let length = 1; length <= path.length; length++) {
      const name = JSON.stringify(path.slice(0, length));
      if (!lines.has(name)) lines.set(name, line);
    }
  };
  /** How many tables each list has so far: `[[route]]` begins another one, and `[route.tls]` belongs to the last. */
  const lists = new Map<string, number>();
  const placed = (path: readonly string[], isNew: boolean): readonly string[] => {
    const result: string[] = [];
    for (const [index, key] of path.entries()) {
      result.push(key);
      const name = JSON.stringify(result);
      const isLast = index === path.length - 1;
      if (isLast && isNew) lists.set(name, (lists.get(name) ?? 0) + 1);
      const count = lists.get(name);
      if (count !== undefined && (!isLast || isNew)) result.push(String(count - 1));
    }
    return result;
  };
  while (at < text.length) {
    const [blank = ''] = /^\s*/.exec(text.slice(at, at + 1)) ?? [];
    if (blank !== '') {
      count(at + 1);
      continue;
    }
    const header = /^\[{1,2}/.exec(text.slice(at, at + 2))?.[0] ?? '';
    const { path, end } = readKey(text, at + header.length);
    if (header !== '') table = placed(path, header === '[[');
    note(header === '' ? [...table, ...path] : table);
    count(valueEnd(text, end));
  }
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const found = lines.get(JSON.stringify(path.slice(0, length)));
      if (found !== undefined) return found;
    }
    return 1;
  };
}

function readKey(text: string, start: number): { readonly path: readonly string[]; readonly end: number } {
  const path: string[] = [];
  let end = start;
  let more = true;
  while (more) {
    KEY.lastIndex = end;
    const match = KEY.exec(text);
    if (match === null) break;
    path.push(unquote(match[1] ?? ''));
    end = KEY.lastIndex;
    more = match[2] === '.';
  }
  return { path, end };
}

function unquote(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  if (!key.startsWith('"')) return key;
  try {
    return String(JSON.parse(key));
  } catch {
    return key.slice(1, -1);
  }
}

/** Behind the line end that ends the value: one that stands in no bracket. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  PIECE.lastIndex = start;
  for (let match = PIECE.exec(text); match !== null; match = PIECE.exec(text)) {
    const piece = match[0];
    if (piece === '[' || piece === '{') depth++;
    else if (piece === ']' || piece === '}') depth--;
    else if (piece === '\n' && depth <= 0) return PIECE.lastIndex;
  }
  return text.length;
}
