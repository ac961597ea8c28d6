import type { Failure } from '../../mail/result.ts';

/** Who we are to the server. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
  /** An OAuth access token, for XOAUTH2 and OAUTHBEARER; where one of them is asked for by name, the password is it too. */
  readonly token?: string;
  /** The TLS session shows a client certificate. */
  readonly certificate?: boolean;
}

/** Where access tokens come from, for a login whose credentials hold none. Never rejects but for a bug. */
export interface TokenSource {
  /** What a person can do where a server refuses even a new token. */
  readonly advice: string;
  /** A token that should be good, or why there is none now. */
  current(): Promise<string | Failure>;
  /** Another one than that which a server has refused; undefined where no better one is to be had. */
  instead(refused: string): Promise<string | Failure | undefined>;
}

/** One message of the client. */
export interface Say {
  /** Null: the server speaks first. */
  readonly bytes: Buffer | null;
  /** Success may follow; a 235 that comes earlier is a lie. */
  readonly last: boolean;
}

/** Why an exchange goes no further, and whose fault that is; the text never holds a secret. */
export interface Halt {
  /**
   * `credentials`: ours can't be used. `server`: it is not to be trusted. `protocol`: it said what can't be said.
   * `binding`: it does not know this kind of channel binding.
   */
  readonly fault: 'credentials' | 'server' | 'protocol' | 'binding';
  readonly text: string;
}

/** A mechanism as a generator: it yields what the client says and is resumed with challenges. */
export type Exchange = Generator<Say, Halt, Buffer>;

export const say = (text: string): Say => ({ bytes: Buffer.from(text, 'utf8'), last: false });
export const sayLast = (text: string): Say => ({ bytes: Buffer.from(text, 'utf8'), last: true });
export const LISTEN: Say = { bytes: null, last: false };

export const halt = (fault: Halt['fault'], text: string): Halt => ({ fault, text });
/** Resumed although nothing was left to say. */
export const TOO_MANY: Halt = { fault: 'protocol', text: 'the server asked once too often' };

/** A name in GS2 and SCRAM: `=` and `,` escaped (RFC 5801, section 4). */
export const saslName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');
