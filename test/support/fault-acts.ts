/**
 * What a faulty server does at a point of the dialogue, as data. A text is a line that it says, to which CRLF is added;
 * lines that follow one another leave in one segment.
 */
export type Act =
  | string
  /** Says what is made of the lines heard on this connection. */
  | ((heard: readonly string[]) => string)
  /** Exactly these octets (Latin-1). */
  | { readonly kind: 'raw'; readonly text: string }
  /** What a server without fault says here. */
  | { readonly kind: 'usual' }
  | { readonly kind: 'close' }
  | { readonly kind: 'reset' }
  /** Says nothing more, and reads nothing more, until the client is gone. */
  | { readonly kind: 'hang' }
  /** What was said so far leaves in a segment of its own. */
  | { readonly kind: 'pause'; readonly milliseconds: number }
  /** The same octets again and again, so far apart, until the client is gone. */
  | { readonly kind: 'drip'; readonly text: string; readonly milliseconds: number }
  /** Waits for a line of the client. */
  | { readonly kind: 'hear' }
  /** Waits for so many octets of the client, whatever they are. */
  | { readonly kind: 'swallow'; readonly octets: number }
  /** Says nothing; the test does something. */
  | { readonly kind: 'call'; readonly run: () => void }
  /** The server's side of a handshake. */
  | { readonly kind: 'tls' }
  /** Stops the listening socket, so that nobody can come again. */
  | { readonly kind: 'leave' };

export const raw = (text: string): Act => ({ kind: 'raw', text });
export const pause = (milliseconds = 30): Act => ({ kind: 'pause', milliseconds });
export const drip = (text: string, milliseconds: number): Act => ({ kind: 'drip', text, milliseconds });
export const swallow = (octets: number): Act => ({ kind: 'swallow', octets });
export const call = (run: () => void): Act => ({ kind: 'call', run });
export const USUAL: Act = { kind: 'usual' };
export const CLOSE: Act = { kind: 'close' };
export const RESET: Act = { kind: 'reset' };
export const HANG: Act = { kind: 'hang' };
export const HEAR: Act = { kind: 'hear' };
export const TLS: Act = { kind: 'tls' };
export const LEAVE: Act = { kind: 'leave' };

/** The points of a dialogue at which a server can fail. */
export type Point =
  | 'greeting'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  /** Behind EHLO inside TLS. */
  | 'ehloAgain'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  /** In the middle of the message. */
  | 'middle'
  | 'dot'
  | 'bdat'
  | 'rset'
  | 'quit';

/** The first time the first, and so on, over all connections; the last one stays. */
export interface InTurn {
  readonly turns: readonly (readonly Act[])[];
}

export const inTurn = (...turns: readonly (readonly Act[])[]): InTurn => ({ turns });

export interface Behaviour extends Readonly<Partial<Record<Point, readonly Act[] | InTurn>>> {
  /** The keywords of EHLO; STARTTLS comes by itself where `tls` is there. Default: `USUAL_EXTENSIONS`. */
  readonly extensions?: readonly string[];
  /** Offers STARTTLS, with this certificate. */
  readonly tls?: 'good' | 'wrong-name' | 'self-signed' | 'expired' | 'old-version' | 'asks-for-certificate';
  /** TLS from the first byte. */
  readonly implicitTls?: true;
  /** Each octet that is said leaves in a segment of its own. */
  readonly cut?: true;
  /** Nothing leaves while there is something left to read: all replies to a flight in one segment. */
  readonly gathers?: true;
  /** Octets of the message before `middle`. Default 1. */
  readonly middleAfter?: number;
}

export const USUAL_EXTENSIONS: readonly string[] = ['PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES', 'SIZE 0'];
