import type { Field } from './header.ts';

const COLON = 0x3a;
const COMMA = 0x2c;
const CRLF = Buffer.from('\r\n');
const BLANK = Buffer.from(' ');
const LISTS = /^(?:resent-)?(?:from|sender|to|cc|reply-to)$/i;

const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09;

/** Whether a line end may go in before `at`: what follows is a line with something on it. */
const fits = (line: Buffer, at: number): boolean => isBlank(line[at]) && at + 1 < line.length && !isBlank(line[at + 1]);

/** The first octet from `at` on that is no blank. */
function text(line: Buffer, at: number): number {
  let next = at;
  while (next < line.length && isBlank(line[next])) next++;
  return next;
}

/** Where to fold: the last blank of the first `max` octets, else (in a list) behind the last comma, else the next blank. */
function place(line: Buffer, from: { start: number; floor: number }, how: { max: number; list: boolean }): number {
  const limit = Math.min(from.start + how.max, line.length - 1);
  for (let at = limit; at > from.floor; at--) if (fits(line, at)) return at;
  for (let at = limit - 1; how.list && at > from.floor; at--) if (line[at] === COMMA) return at + 1;
  for (let at = limit + 1; at < line.length; at++) if (fits(line, at)) return at;
  return -1;
}

/**
 * The field with no line above `max` octets, folded at blanks (RFC 5322, section 2.2.3), which changes nothing for who
 * unfolds it; in an address field at commas too. A line with neither is left as it is.
 */
export function foldField(field: Field, max: number): Field {
  const out: Buffer[] = [];
  const list = LISTS.test(field.name);
  let folded = false;
  for (let at = 0; at < field.raw.length; ) {
    const end = field.raw.indexOf(CRLF, at);
    const line = field.raw.subarray(at, end);
    // Never before the first word: some readers take such a field for an empty one.
    let floor = text(line, at === 0 ? line.indexOf(COLON) + 1 : 0);
    let start = 0;
    while (line.length - start > max) {
      const next = place(line, { start, floor }, { max: max - 1, list });
      if (next < 0) break;
      out.push(line.subarray(start, next), CRLF);
      if (!isBlank(line[next])) out.push(BLANK);
      folded = true;
      start = next;
      floor = text(line, start);
    }
    out.push(line.subarray(start), CRLF);
    at = end + CRLF.length;
  }
  return folded ? { name: field.name, raw: Buffer.concat(out) } : field;
}
