import type { Source } from './source.ts';

/** What the server's limits and extensions are held against; all counts after line ends are made CRLF. */
export interface Facts {
  /** Octets on the wire: header, blank line and body with CRLF line ends, before dot-stuffing, without the final dot. */
  readonly size: number;
  /** The header holds an octet above 127. */
  readonly eightBitHeader: boolean;
  /** The body holds an octet above 127. */
  readonly eightBitBody: boolean;
  /** Octets of the longest line of header or body, without its CRLF (RFC 5321, section 4.5.3.1.6 allows 998). */
  readonly longestLine: number;
  /** The message holds a NUL octet. */
  readonly nul: boolean;
}

/** A message ready to be sent: header completed, both parts as they came otherwise. */
export interface Message {
  /** The header's fields with CRLF line ends, then the blank line. */
  readonly header: Buffer;
  /** The body as it was given: line ends are made CRLF on the way to the wire (`smtp/stuffing`). */
  readonly body: Source;
  readonly facts: Facts;
}
