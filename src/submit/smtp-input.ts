/*
 * The bytes of a client, cut into command lines, chunks and messages, wherever they come in pieces. What was not used
 * stays for what comes next, so a client may send ahead (RFC 2920).
 *
 * Where a message ends is decided by the strictest rule there is, because a laxer one lets a message carry commands: by
 * CRLF, dot, CRLF and nothing else (RFC 5321, section 4.1.1.4). A bare LF ends no line of it, a dot behind one is text.
 * There is one exception, for scripts that write their whole session with LF: where every command so far, DATA included,
 * ended in a bare LF, all of that holds for LF in the place of CRLF, and CRLF ends no line. One session has one rule at a
 * time, and the commands decide which, never the message.
 */
import type { Dialogue, Over } from './smtp-step.ts';

export type LineEnd = 'crlf' | 'lf';

export type Line =
  | { readonly kind: 'line'; readonly bytes: Buffer; readonly end: LineEnd }
  | { readonly kind: 'long' }
  | Over;

/** Bytes that came and were not used yet. */
export interface Input {
  unread: Buffer;
}

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const NOTHING = Buffer.alloc(0);

/** Asks for bytes; returns why there are none. */
export function* readMore(input: Input): Dialogue<Over | undefined> {
  const more = yield { kind: 'read' };
  if (more.kind === 'over') return more;
  if (more.kind !== 'bytes') throw new TypeError(`Cannot read from client: answer is ${more.kind}`);
  input.unread = input.unread.length === 0 ? more.bytes : Buffer.concat([input.unread, more.bytes]);
  return undefined;
}

/** A line of at most so many octets with its line end; a longer one is passed over. What no line end follows is none. */
export function* readLine(input: Input, longest: number): Dialogue<Line> {
  let long = false;
  for (;;) {
    const lf = input.unread.indexOf(LF);
    if (lf >= 0) {
      const bytes = input.unread.subarray(0, lf);
      input.unread = input.unread.subarray(lf + 1);
      if (long || lf >= longest) return { kind: 'long' };
      return bytes.at(-1) === CR
        ? { kind: 'line', bytes: bytes.subarray(0, -1), end: 'crlf' }
        : { kind: 'line', bytes, end: 'lf' };
    }
    if (input.unread.length >= longest) {
      long = true;
      input.unread = NOTHING;
    }
    const over = yield* readMore(input);
    if (over !== undefined) return over;
  }
}

export interface Content {
  /** What of the chunk belongs to the message, without the dots that the client put in. */
  readonly bytes: Buffer;
  /** What stands behind the end of the message; undefined where it did not end. */
  readonly rest?: Buffer;
}

/** Finds the end of a message after DATA, and takes its stuffing out (RFC 5321, section 4.5.2). */
export function createContentReader(end: LineEnd): { push(chunk: Buffer): Content } {
  /** `start`: of a line. `cr`: a CR was last. `dot`: a dot began the line. `dotcr`: a CR followed it. */
  let state: 'start' | 'middle' | 'cr' | 'dot' | 'dotcr' = 'start';
  return {
    push(chunk) {
      const parts: Buffer[] = [];
      let from = 0;
      let at = 0;
      while (at < chunk.length) {
        const octet = chunk[at];
        if (state === 'middle' || state === 'cr') {
          const lf = chunk.indexOf(LF, at);
          const stop = lf < 0 ? chunk.length : lf;
          const before = stop > at ? chunk[stop - 1] : state === 'cr' ? CR : undefined;
          if (lf < 0) state = before === CR ? 'cr' : 'middle';
          else state = end === 'lf' || before === CR ? 'start' : 'middle';
          at = lf < 0 ? stop : lf + 1;
        } else if (state === 'start') {
          state = octet === DOT ? 'dot' : 'middle';
          if (octet !== DOT) continue;
          parts.push(chunk.subarray(from, at));
          at++;
          from = at;
        } else if (octet === LF && (state === 'dotcr' || end === 'lf')) {
          return { bytes: Buffer.concat(parts), rest: chunk.subarray(at + 1) };
        } else if (octet === CR && state === 'dot' && end === 'crlf') {
          state = 'dotcr';
          at++;
          from = at;
        } else {
          if (state === 'dotcr') parts.push(Buffer.from('\r'));
          state = state === 'dotcr' ? 'cr' : 'middle';
        }
      }
      if (parts.length === 0 && from === 0) return { bytes: chunk };
      return { bytes: Buffer.concat([...parts, chunk.subarray(from)]) };
    },
  };
}
