/** A mailbox as the envelope knows it: no display name, no comments, no route. */
export interface Address {
  /** The local part as meant, without its quotes and escapes; may hold UTF-8 (RFC 6531). Never CR, LF or NUL. */
  readonly local: string;
  /** A-labels in lower case without a final dot, or a literal in brackets: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
  readonly domain: string;
}
