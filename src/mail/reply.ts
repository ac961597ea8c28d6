/** A server's reply (RFC 5321, section 4.2), kept verbatim for the bounce and the log. */
export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** The enhanced status (RFC 2034) such as `5.1.1`, where the text begins with one that fits the code. */
  readonly status?: string;
  /** The text of each line without code and separator, the enhanced status included. At least one, may be empty. */
  readonly lines: readonly string[];
}

export const isPositive = (reply: Reply): boolean => reply.code >= 200 && reply.code < 300;
export const isPermanent = (reply: Reply): boolean => reply.code >= 500;

/** The reply on one line: code, then the lines joined by blanks. */
export const formatReply = (reply: Reply): string => `${reply.code} ${reply.lines.join(' ')}`.trimEnd();
