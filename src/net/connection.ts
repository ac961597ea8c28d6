import type { Peer } from '../mail/result.ts';
import type { TlsPlan } from '../tls/policy.ts';

/** Where to connect. */
export interface Target {
  /** The name that was looked up, for messages, SNI and the certificate's check. */
  readonly host: string;
  /** IPv6 and IPv4 addresses in the order to try, or one socket path that starts with `/`. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** TLS from the first byte (smtps). */
  readonly implicitTls?: TlsPlan;
  /** Milliseconds for all of it, and for one handshake. */
  readonly connectTimeout: number;
  readonly tlsTimeout: number;
}

/** An open connection: bytes both ways, TLS in the middle of it. Made by `connect`; used by `net/converse` only. */
export interface Connection {
  /** Grows its `tls` once that is up. */
  readonly peer: Peer;
  readonly localAddress: string | undefined;
  /** Bytes received and not yet taken; null when there are none. Never waits. */
  take(): Buffer | null;
  /** Resolves when `take` has something, the peer has ended or broken the connection, or the time is over. */
  readable(milliseconds: number): Promise<'bytes' | 'ended' | 'reset' | 'timeout'>;
  /** Hands all chunks over in one write; false: wait for `writable` before the next. Never throws. */
  write(chunks: readonly Buffer[]): boolean;
  /** Resolves when written bytes have left, or bytes or the end came in, or the time is over. */
  writable(milliseconds: number): Promise<'drained' | 'bytes' | 'ended' | 'reset' | 'timeout'>;
  /** Upgrades; throws WireError (trouble `tls`, `timeout`, `closed`) and leaves the connection unusable then. */
  startTls(plan: TlsPlan, milliseconds: number): Promise<void>;
  /** Half-closes after what is written, and forgets it: nothing is awaited and the process may end. */
  finish(): void;
  /** Closes at once. */
  destroy(): void;
}
