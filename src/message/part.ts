import type { Header } from './header.ts';

/** The message can't be re-encoded; the text says why. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

/** A part of a message: the message itself, each part of a multipart, each message in a message. */
export interface Part {
  /** Counted in the order in which parts begin. */
  readonly id: number;
  readonly depth: number;
  /** `message` has one part within: the message it holds. */
  readonly kind: 'leaf' | 'multipart' | 'message';
  readonly type: string;
  readonly encoding: string;
  readonly boundary: string;
  /** Part of something signed or encrypted as it is (RFC 1847): must not be changed. */
  readonly locked: boolean;
  /** It is a message: the one we send, or one held in a message/rfc822. */
  readonly message: boolean;
}

export interface PartHeader {
  /** The bytes as they are, line ends included, without the blank line. */
  readonly raw: Buffer;
  readonly fields: Header;
  /** A blank line follows. */
  readonly blank: boolean;
}

/** A run of text: a leaf's content, or what stands before the first and behind the last delimiter of a multipart. */
export interface Segment {
  readonly part: Part;
  readonly place: 'content' | 'preamble' | 'epilogue';
}

export interface Visitor {
  open(part: Part, header: PartHeader): void;
  /** Some octets of a line, `bytes` from `start` to `end`; valid only now. */
  text(bytes: Buffer, start: number, end: number): void;
  /** A line end within the segment; the one before a delimiter is the delimiter's. */
  newline(): void;
  /** Text and newlines that follow are of this segment. */
  enter(segment: Segment): void;
  /** The segment ended. */
  leave(segment: Segment): void;
  /** A delimiter line of `part`, CRLF included, and the CRLF before it where there is one. */
  delimiter(part: Part, line: Buffer): void;
}
