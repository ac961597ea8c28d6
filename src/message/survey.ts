import { isUtf8 } from 'node:buffer';
import { OCTETS } from './encode.ts';
import type { Header } from './header.ts';
import { convert, lineState, missingEnds, roomFor } from './lines.ts';
import type { Part, PartHeader, Segment } from './part.ts';
import type { Source } from './source.ts';
import { walk } from './walk.ts';

/** What a run of bytes holds that a server may not take. */
export interface TextFacts {
  readonly size: number;
  readonly eightBit: boolean;
  readonly nul: boolean;
  /** Octets of the longest line, without its CRLF. */
  readonly longestLine: number;
}

/** A segment's facts, and what encoding it would cost. */
export interface SegmentFacts extends TextFacts {
  /** Octets that quoted-printable writes as three. */
  readonly escapes: number;
  readonly utf8: boolean;
}

/** A part with the facts of its header and of the text that is its own. */
export interface PartFacts {
  readonly part: Part;
  readonly header: TextFacts;
  readonly fields: { readonly type: boolean; readonly mimeVersion: boolean };
  readonly segments: Partial<Readonly<Record<Segment['place'], SegmentFacts>>>;
  /** Some delimiter of this multipart stands in the body. */
  readonly divided: boolean;
}

/** The bytes of a source in canonical form, in chunks that are valid until the next is asked for. */
export async function* canonicalChunks(source: Source): AsyncGenerator<Buffer> {
  const state = lineState();
  let to = Buffer.alloc(0);
  for await (const from of source.chunks()) {
    const room = roomFor(from.length, state);
    if (to.length < room) to = Buffer.allocUnsafe(room);
    const length = convert({ from, to }, state, 'plain');
    if (length > 0) yield to.subarray(0, length);
  }
  const rest = missingEnds(state);
  if (rest > 0) yield Buffer.from('\r\n'.repeat(rest));
}

/** Facts of bytes in memory that have CRLF line ends. */
export function textFacts(bytes: Buffer): TextFacts {
  let longestLine = 0;
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(0x0a, at);
    const end = lf < 0 ? bytes.length : lf - 1;
    longestLine = Math.max(longestLine, end - at);
    at = lf < 0 ? bytes.length : lf + 1;
  }
  return { size: bytes.length, eightBit: bytes.some((octet) => octet > 127), nul: bytes.includes(0), longestLine };
}

const EMPTY = Buffer.alloc(0);

interface Counter {
  text(bytes: Buffer, start: number, end: number): void;
  newline(): void;
  facts(): SegmentFacts;
}

function counter(): Counter {
  let [size, line, longest, escapes] = [0, 0, 0, 0];
  let [eightBit, nul, utf8] = [false, false, true];
  /** The octets of a character that is not complete yet: at most three. */
  let tail = EMPTY;

  function checkUtf8(bytes: Buffer): void {
    const all = tail.length > 0 ? Buffer.concat([tail, bytes]) : bytes;
    let cut = all.length;
    for (let back = 1; back <= 3 && back <= all.length; back++) {
      const octet = all[all.length - back] ?? 0;
      if ((octet & 0xc0) === 0x80) continue;
      if (octet >= 0xc0) cut = all.length - back;
      break;
    }
    const last = all.subarray(cut);
    const length = (last[0] ?? 0) >= 0xf0 ? 4 : (last[0] ?? 0) >= 0xe0 ? 3 : 2;
    if (last.length === length) cut = all.length;
    utf8 = isUtf8(all.subarray(0, cut));
    tail = cut === all.length ? EMPTY : Buffer.from(all.subarray(cut));
  }

  return {
    text(bytes, start, end) {
      let kinds = 0;
      for (let at = start; at < end; at++) {
        const kind = OCTETS[bytes[at] ?? 0] ?? 0;
        escapes += kind & 1;
        kinds |= kind;
      }
      const high = (kinds & 2) > 0;
      nul ||= (kinds & 4) > 0;
      size += end - start;
      line += end - start;
      eightBit ||= high;
      if (utf8 && (high || tail.length > 0)) checkUtf8(bytes.subarray(start, end));
    },
    newline() {
      if (tail.length > 0) utf8 = false;
      longest = Math.max(longest, line);
      size += 2;
      line = 0;
    },
    facts: () => ({
      ...{ size, eightBit, nul, escapes },
      utf8: utf8 && tail.length === 0,
      longestLine: Math.max(longest, line),
    }),
  };
}

/** Walks the body once and tells what each part holds. @throws {Unfit} where its structure is beyond all bounds */
export async function survey(header: Header, body: Source): Promise<readonly PartFacts[]> {
  const parts: { -readonly [K in keyof PartFacts]: PartFacts[K] }[] = [];
  let current = counter();
  const has = (head: PartHeader, name: string) => head.fields.some((field) => field.name.toLowerCase() === name);
  const walker = walk(header, {
    open(part, head) {
      const fields = { type: has(head, 'content-type'), mimeVersion: has(head, 'mime-version') };
      parts.push({ part, header: textFacts(head.raw), fields, segments: {}, divided: false });
    },
    enter() {
      current = counter();
    },
    text: (bytes, start, end) => current.text(bytes, start, end),
    newline: () => current.newline(),
    leave({ part, place }) {
      const facts = parts[part.id];
      if (facts !== undefined) facts.segments = { ...facts.segments, [place]: current.facts() };
    },
    delimiter(part) {
      const facts = parts[part.id];
      if (facts !== undefined) facts.divided = true;
    },
  });
  for await (const chunk of canonicalChunks(body)) walker.push(chunk);
  walker.end();
  return parts;
}
