/**
 * Bytes to replies (RFC 5321, section 4.2).
 *
 * Push what was received, in pieces of any size, then call `next` until it has nothing; it throws MalformedReply where
 * the bytes are no reply, after all whole replies before them were handed out. The parser is generous where no harm is
 * done (LF alone ends a line, the text may be missing or 8-bit, an unknown code counts by its first digit) and strict
 * where a guess could turn a refusal into a success: every line of a reply has the same code, a line without its end is
 * no line, a reply without its last line is no reply, and a blank line is not skipped. It never judges a reply, and
 * once it has failed it stays failed: what follows nonsense can't be an answer.
 */
import { isUtf8 } from 'node:buffer';
import { quoted } from '../mail/printable.ts';
import type { Reply } from '../mail/reply.ts';

// RFC 4954, section 4, allows an AUTH challenge of 12288 octets; no honest line is longer.
const MAX_LINE = 16 * 1024;
// The longest EHLO and policy texts seen are under 8 KiB; ten times that is an attack on memory.
const MAX_REPLY = 64 * 1024;
const MAX_LINES = 500;

const LF = 0x0a;
const CR = 0x0d;

/** The bytes are no reply. */
export class MalformedReply extends Error {
  override readonly name = 'MalformedReply';
}

/** One stream's replies; holds a lifetime's state, so that a reply may come in any number of pieces. */
export class ReplyParser {
  readonly #replies: Reply[] = [];
  #partial: Buffer[] = [];
  #partialSize = 0;
  #code = 0;
  #lines: string[] = [];
  #size = 0;
  #failure: MalformedReply | undefined;

  /** Takes bytes as they were received; keeps no reference to them. Never throws. */
  push(bytes: Buffer): void {
    let from = 0;
    while (this.#failure === undefined && from < bytes.length) {
      const end = bytes.indexOf(LF, from);
      const piece = bytes.subarray(from, end === -1 ? bytes.length : end);
      const why = end === -1 ? this.#keep(piece) : this.#line(piece);
      if (why !== undefined) this.#failure = new MalformedReply(`Cannot read reply: ${why}`);
      from += piece.length + 1;
    }
  }

  /** The next whole reply. @throws {MalformedReply} where what follows can't be one. */
  next(): Reply | undefined {
    const reply = this.#replies.shift();
    if (reply === undefined && this.#failure !== undefined) throw this.#failure;
    return reply;
  }

  /** Replies and lines not yet handed out, bytes of an unfinished line, nonsense: 0 where nothing was received. */
  get pending(): number {
    return this.#replies.length + this.#lines.length + this.#partialSize + (this.#failure === undefined ? 0 : 1);
  }

  #keep(piece: Buffer): string | undefined {
    this.#partialSize += piece.length;
    if (this.#partialSize > MAX_LINE) return `line is longer than ${MAX_LINE} bytes`;
    this.#partial.push(Buffer.from(piece));
    return undefined;
  }

  #line(piece: Buffer): string | undefined {
    const bytes = this.#partialSize === 0 ? piece : Buffer.concat([...this.#partial, piece]);
    if (bytes.length > MAX_LINE) return `line is longer than ${MAX_LINE} bytes`;
    this.#partial = [];
    this.#partialSize = 0;
    this.#size += bytes.length;
    const line = decode(bytes);
    const [, digits, separator, text = ''] = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s.exec(line) ?? [];
    if (digits === undefined) return `${quoted(line)} is no reply line`;
    const code = Number(digits);
    if (this.#lines.length > 0 && code !== this.#code) return `codes differ: ${this.#code} and ${code}`;
    if (this.#lines.length === MAX_LINES) return `more than ${MAX_LINES} lines`;
    if (this.#size > MAX_REPLY) return `longer than ${MAX_REPLY} bytes`;
    this.#code = code;
    this.#lines.push(text);
    if (separator !== '-') this.#end();
    return undefined;
  }

  #end(): void {
    const status = statusOf(this.#code, this.#lines);
    this.#replies.push({ code: this.#code, lines: this.#lines, ...(status === undefined ? {} : { status }) });
    this.#lines = [];
    this.#size = 0;
  }
}

/** Without the CRs before its LF; 8-bit text that is no UTF-8 is read as Latin-1, so that no byte is lost. */
function decode(bytes: Buffer): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === CR) end--;
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1', 0, end);
}

/** The enhanced status (RFC 2034, section 4) of the first line that begins with one of the code's own class. */
function statusOf(code: number, lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const status = /^([245])\.\d{1,3}\.\d{1,3}(?=\s|$)/.exec(line);
    if (status !== null && Number(status[1]) === Math.floor(code / 100)) return status[0];
  }
  return undefined;
}
