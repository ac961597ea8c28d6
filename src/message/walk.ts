/*
 * Walks the MIME structure of a body (RFC 2046) as its bytes come, and tells a visitor what each one is: part of a header,
 * of a part's content, of a preamble or epilogue, or a delimiter line. Nothing is left out: what the visitor is told, in the
 * order in which it is told, is the body, byte for byte. Two walks of the same bytes tell the same, which is how
 * `message/downgrade` decides in one and writes in the other.
 *
 *   const walker = walk(header, visitor);
 *   for (const chunk of canonicalChunks) walker.push(chunk);
 *   walker.end();
 *
 * Fed with CRLF line ends only. Text comes in pieces: a line may be longer than memory. Missing end delimiters, boundaries
 * that never come, parts without a header: all are walked, none refused. Beyond the limits below it throws Unfit.
 */
import { contentType, transferEncoding } from './content.ts';
import type { Header } from './header.ts';
import { type Part, type PartHeader, type Segment, Unfit, type Visitor } from './part.ts';
import { nameEnd, split } from './split.ts';

/** Deeper than any mail, and the stack of a receiver's parser. */
const MAX_DEPTH = 50;
const MAX_PARTS = 10_000;
/** Octets of one part's header. */
const MAX_PART_HEADER = 1024 * 1024;
/** Longer lines are no delimiters: 998 is the longest line there is (RFC 5322, section 2.1.1). */
const LONGEST_DELIMITER = 998;

export interface Walker {
  push(chunk: Buffer): void;
  end(): void;
}

interface Level {
  readonly part: Part;
  readonly boundary: Buffer;
  /** Parts begun. */
  count: number;
  closed: boolean;
}

/** What is known of a part before its header is read. */
interface Expected {
  readonly parent: Part;
  readonly message: boolean;
  readonly locked: boolean;
}

const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
const IDENTITY = new Set(['7bit', '8bit', 'binary']);

const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09;

/** Begins a walk of the body under this header. The visitor is told of the message itself at once. */
export function walk(header: Header, visitor: Visitor): Walker {
  const levels: Level[] = [];
  let parts = 0;
  let segment: Segment | undefined;
  /** The header that is being read, and whose. */
  let reading: { expected: Expected; lines: Buffer[]; length: number } | undefined;
  let newline = false;
  let held = EMPTY;
  let midLine = false;

  function openPart(head: PartHeader, expected: Expected | undefined): void {
    const digest = expected?.parent.type === 'multipart/digest';
    const { type, parameters } = contentType(head.fields, digest ? 'message/rfc822' : 'text/plain');
    const encoding = transferEncoding(head.fields);
    const boundary = type.startsWith('multipart/') ? (parameters.get('boundary') ?? '').trimEnd() : '';
    const inner = type === 'message/rfc822' && IDENTITY.has(encoding);
    const part: Part = {
      id: parts++,
      depth: expected === undefined ? 0 : expected.parent.depth + 1,
      kind: boundary !== '' ? 'multipart' : inner ? 'message' : 'leaf',
      type,
      encoding,
      boundary,
      locked: expected?.locked ?? false,
      message: expected?.message ?? true,
    };
    if (parts > MAX_PARTS) throw new Unfit(`more than ${MAX_PARTS} parts`);
    if (part.depth > MAX_DEPTH) throw new Unfit(`parts nested deeper than ${MAX_DEPTH}`);
    visitor.open(part, head);
    newline = false;
    reading = undefined;
    if (part.kind === 'message') {
      reading = { expected: { parent: part, message: true, locked: part.locked }, lines: [], length: 0 };
      return;
    }
    if (part.kind === 'multipart') {
      levels.push({ part, boundary: Buffer.from(`--${boundary}`, 'latin1'), count: 0, closed: false });
    }
    enter({ part, place: part.kind === 'multipart' ? 'preamble' : 'content' });
  }

  function enter(next: Segment): void {
    segment = next;
    visitor.enter(next);
  }

  function leave(): void {
    while (reading !== undefined) endHeader(false);
    if (segment !== undefined) visitor.leave(segment);
    segment = undefined;
  }

  function endHeader(blank: boolean): void {
    if (reading === undefined) return;
    const { expected, lines } = reading;
    const raw = Buffer.concat(lines);
    const found = split(raw, true);
    openPart({ raw, fields: found === 'more' ? [] : found.fields, blank }, expected);
  }

  function keep(bytes: Buffer, last: boolean): void {
    if (reading === undefined) return;
    reading.length += bytes.length;
    if (reading.length > MAX_PART_HEADER) throw new Unfit(`a part's header is larger than ${MAX_PART_HEADER} octets`);
    reading.lines.push(Buffer.from(bytes));
    if (last) reading.lines.push(CRLF);
  }

  /** The open level whose delimiter this line is, and whether it is the last one. */
  function match(bytes: Buffer, start: number, end: number): { at: number; closes: boolean } | undefined {
    if (bytes[start] !== DASH || bytes[start + 1] !== DASH) return undefined;
    let stop = end;
    while (stop > start && isBlank(bytes[stop - 1])) stop--;
    for (let at = levels.length - 1; at >= 0; at--) {
      const level = levels[at];
      if (level === undefined || level.closed) continue;
      const after = start + level.boundary.length;
      const closes = stop === after + 2 && bytes[after] === DASH && bytes[after + 1] === DASH;
      if (stop !== after && !closes) continue;
      if (level.boundary.compare(bytes, start, after) === 0) return { at, closes };
    }
    return undefined;
  }

  function delimit(level: Level, closes: boolean, line: Buffer): void {
    leave();
    levels.length = levels.indexOf(level) + 1;
    visitor.delimiter(level.part, newline ? Buffer.concat([CRLF, line, CRLF]) : Buffer.concat([line, CRLF]));
    newline = false;
    if (closes) {
      level.closed = true;
      enter({ part: level.part, place: 'epilogue' });
      return;
    }
    const { type, locked } = level.part;
    const signed = type === 'multipart/encrypted' || (type === 'multipart/signed' && level.count === 0);
    level.count++;
    const expected = { parent: level.part, message: false, locked: locked || signed };
    reading = { expected, lines: [], length: 0 };
  }

  /** Whether a line that begins so belongs to the header that is being read. */
  function inHeader(bytes: Buffer, start: number, end: number): boolean {
    if (reading === undefined) return false;
    if (reading.length > 0 && isBlank(bytes[start])) return true;
    if (nameEnd(bytes, start, end) >= 0) return true;
    return reading.length === 0 && /^>?From /.test(bytes.toString('latin1', start, Math.min(end, start + 6)));
  }

  /** A line or a piece of one. A first piece is at least LONGEST_DELIMITER octets long where the line goes on. */
  function piece(bytes: Buffer, start: number, end: number, at: { first: boolean; last: boolean }): void {
    if (at.first) {
      const found = at.last && end - start <= LONGEST_DELIMITER ? match(bytes, start, end) : undefined;
      const level = found && levels[found.at];
      if (found !== undefined && level !== undefined) {
        delimit(level, found.closes, bytes.subarray(start, end));
        return;
      }
      if (reading !== undefined && at.last && start === end) {
        endHeader(true);
        return;
      }
      while (reading !== undefined && !inHeader(bytes, start, end)) endHeader(false);
    }
    if (reading !== undefined) {
      keep(bytes.subarray(start, end), at.last);
      return;
    }
    if (at.first && newline) {
      visitor.newline();
      newline = false;
    }
    if (end > start) visitor.text(bytes, start, end);
    if (at.last) newline = true;
  }

  openPart({ raw: Buffer.concat(header.map((field) => field.raw)), fields: header, blank: true }, undefined);

  return {
    push(chunk) {
      const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
      held = EMPTY;
      for (let at = 0; at < bytes.length; ) {
        const lf = bytes[at] === CR && bytes[at + 1] === LF ? at + 1 : bytes.indexOf(LF, at);
        if (lf >= 0) {
          piece(bytes, at, lf - 1, { first: !midLine, last: true });
          midLine = false;
          at = lf + 1;
          continue;
        }
        const end = bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length;
        if (!midLine && end - at <= LONGEST_DELIMITER) {
          held = Buffer.from(bytes.subarray(at));
          return;
        }
        if (end > at) piece(bytes, at, end, { first: !midLine, last: false });
        midLine = true;
        held = Buffer.from(bytes.subarray(end));
        return;
      }
    },
    end() {
      if (held.length > 0) piece(held, 0, held.length, { first: !midLine, last: true });
      while (reading !== undefined) endHeader(false);
      if (newline) visitor.newline();
      leave();
    },
  };
}
