/*
 * Finds where the header ends and what its fields are, in the bytes a caller gave us: any mix of line ends, mbox lines at
 * the top, no header, no blank line. It never refuses a message for its form; it only decides which bytes are header.
 *
 *   - `From ` and `>From ` lines at the very top are dropped (all MTAs do).
 *   - A line is a field (RFC 5322, section 2.2; blanks before the colon as in section 4.5), or continues one.
 *   - The first blank line ends the header and belongs to neither side.
 *   - Any other line ends the header too and is the first line of the body: the blank line was forgotten.
 *
 * A line ends at an LF with any CRs before it, or at a CR alone, as on the wire (`message/lines`). So what is a field
 * here is the same field for the server. One pass, whatever the length of lines; nothing is held but the fields.
 */
import type { Field, Header } from './header.ts';
import { canonical, RUN_LIMIT } from './lines.ts';

/** The largest header read, in octets; ten times what any MTA takes, and still held in memory with ease. */
export const MAX_HEADER = 16 * 1024 * 1024;
/** The most fields: a thousand times what mail has, and a bound on memory where each field is a few octets. */
export const MAX_FIELDS = 100_000;

/** A message that can't be sent as it is (exit status 65). */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

export interface Split {
  readonly fields: Header;
  /** Octets of the source before the first of the body. */
  readonly bodyOffset: number;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/** Where the line from `start` ends: `end` without, `next` behind its line end. Undefined: the bytes don't say yet. */
interface Line {
  readonly end: number;
  readonly next: number;
}

type ReadLine = (start: number) => Line | undefined;

/** A reader of lines from ascending starts. Each octet is looked at once for LF and once for CR. */
function lineReader(bytes: Buffer, atEnd: boolean): ReadLine {
  let lf = -1;
  let cr = -1;
  const search = (octet: number, from: number) => {
    const at = bytes.indexOf(octet, from);
    return at < 0 ? bytes.length : at;
  };
  return (start) => {
    if (lf < start) lf = search(LF, start);
    if (cr < start) cr = search(CR, start);
    const end = Math.min(lf, cr);
    if (end === bytes.length) return atEnd ? { end, next: end } : undefined;
    if (end === lf) return { end, next: end + 1 };
    let last = end;
    while (last + 1 < bytes.length && bytes[last + 1] === CR && last - end < RUN_LIMIT) last++;
    if (last + 1 === bytes.length && !atEnd) return undefined;
    return { end, next: bytes[last + 1] === LF ? last + 2 : end + 1 };
  };
}

const isClean = (bytes: Buffer, line: Line): boolean => line.next === line.end + 2 && bytes[line.end] === CR;
const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB;

/** Where a field's name ends, or -1 where `bytes` from `start` to `end` isn't the first line of a field. */
export function nameEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const octet = bytes[at] ?? 0;
    if (octet <= SPACE || octet > 126 || octet === COLON) break;
    at++;
  }
  if (at === start) return -1;
  let colon = at;
  while (colon < end && isBlank(bytes[colon])) colon++;
  return colon < end && bytes[colon] === COLON ? at : -1;
}

/** `From ` or `>From `, but not the field `From :` in its obsolete spelling. */
function isMboxLine(bytes: Buffer, start: number, line: Line): boolean {
  const text = bytes.toString('latin1', start, Math.min(line.end, start + 6));
  return (text.startsWith('From ') || text === '>From ') && nameEnd(bytes, start, line.end) < 0;
}

/**
 * Splits the first bytes of a message, `atEnd` saying that there are no more. `'more'` where they don't decide it.
 * The fields share memory with `bytes`. @throws {MessageError} where the header has too many fields
 */
export function split(bytes: Buffer, atEnd: boolean): Split | 'more' {
  const read = lineReader(bytes, atEnd);
  const fields: Field[] = [];
  let at = 0;
  let top = true;
  while (at < bytes.length) {
    const line = read(at);
    if (line === undefined) return 'more';
    if (line.end === at) return { fields, bodyOffset: line.next };
    if (top && isMboxLine(bytes, at, line)) {
      at = line.next;
      continue;
    }
    top = false;
    const end = nameEnd(bytes, at, line.end);
    if (end < 0) return { fields, bodyOffset: at };
    if (fields.length === MAX_FIELDS)
      throw new MessageError(`Cannot read message: more than ${MAX_FIELDS} header fields`);
    let next = line.next;
    let clean = isClean(bytes, line);
    while (next < bytes.length && isBlank(bytes[next])) {
      const more = read(next);
      if (more === undefined) return 'more';
      clean &&= isClean(bytes, more);
      next = more.next;
    }
    if (next === bytes.length && !atEnd) return 'more';
    const raw = bytes.subarray(at, next);
    fields.push({ name: bytes.toString('latin1', at, end), raw: clean ? raw : canonical(raw) });
    at = next;
  }
  return atEnd ? { fields, bodyOffset: at } : 'more';
}

/**
 * Splits a message of `size` octets, reading no more of its start than is needed.
 * @throws {MessageError} where the header is larger than MAX_HEADER
 */
export async function splitHead(size: number, head: (octets: number) => Promise<Buffer>): Promise<Split> {
  for (let octets = 64 * 1024; ; octets *= 4) {
    const bytes = await head(Math.min(octets, MAX_HEADER));
    const found = split(bytes, bytes.length >= size);
    if (found !== 'more') return found;
    if (octets >= MAX_HEADER) throw new MessageError(`Cannot read message: header larger than ${MAX_HEADER} octets`);
  }
}
