/**
 * Splits a command line into words as a shell would, and does nothing else that a shell does: blanks part words; single
 * quotes keep all, double quotes all but `\"` and `\\`; a backslash elsewhere keeps the next character. Undefined where a
 * quote or a backslash is left open, or there is no word, or a NUL.
 */
export function splitWords(text: string): readonly [string, ...string[]] | undefined {
  if (text.includes('\0')) return undefined;
  const words: string[] = [];
  let word: string | undefined;
  let rest = text;
  while (rest !== '') {
    const match = /^(?:\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+))/s.exec(rest);
    if (match === null) return undefined;
    const [all, single, double, escaped, plain] = match;
    const piece = single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain;
    if (piece !== undefined) word = (word ?? '') + piece;
    else if (word !== undefined) words.push(word);
    if (piece === undefined) word = undefined;
    rest = rest.slice(all.length);
  }
  if (word !== undefined) words.push(word);
  const [program, ...more] = words;
  return program === undefined || program === '' ? undefined : [program, ...more];
}
