import type { X509Certificate } from 'node:crypto';
import type { Peer } from '../mail/result.ts';
import type { ChannelBinding } from '../smtp/sasl/binding.ts';
import type { TlsPlan } from '../tls/policy.ts';
import { withPort } from './local-address.ts';
import type { SocksProxy } from './socks.ts';

/** Where to connect. */
export interface Target {
  /** The name that was looked up, for messages, SNI and the certificate's check. */
  readonly host: string;
  /** IPv6 and IPv4 addresses in the order to try, one socket path that starts with `/`, or a name for the proxy. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** TLS from the first byte (smtps). */
  readonly implicitTls?: TlsPlan;
  /** Local addresses to connect from: the first of the family. An address of a family without one is not tried. */
  readonly source?: readonly string[];
  /** Absent: straight. A socket's path needs none. */
  readonly proxy?: SocksProxy;
  /** Milliseconds for all of it, and for one handshake. */
  readonly connectTimeout: number;
  readonly tlsTimeout: number;
}

/** Why one address did not answer. */
export interface ConnectFailure {
  readonly address: string;
  /** The system's code such as `ECONNREFUSED`; `ETIMEDOUT` too where our own limit was over. */
  readonly code: string;
  readonly reason: string;
}

/** No address of the target answered. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The code of the first failure. */
  readonly code: string;
  /** In the order of their ends, those that never answered last. */
  readonly attempts: readonly ConnectFailure[];

  constructor(target: Target, attempts: readonly ConnectFailure[]) {
    const why = attempts.length === 0 ? 'it has no address' : reasons(target.port, attempts);
    super(`Cannot connect to ${target.host}: ${why}`);
    this.code = attempts[0]?.code ?? 'ENOTFOUND';
    this.attempts = attempts;
  }
}

/** Addresses that failed alike are named together. */
function reasons(port: number, attempts: readonly ConnectFailure[]): string {
  const places = new Map<string, string[]>();
  for (const { address, reason } of attempts) {
    const place = address.startsWith('/') ? address : withPort(address, port);
    places.set(reason, [...(places.get(reason) ?? []), place]);
  }
  return [...places].map(([reason, where]) => `${reason} (${where.join(', ')})`).join('; ');
}

/** An open connection: bytes both ways, TLS in the middle of it. Made by `connect`; used by `net/converse` only. */
export interface Connection {
  /** Grows its `tls` once that is up. */
  readonly peer: Peer;
  readonly localAddress: string | undefined;
  /** What a login can be bound to, best first; none without TLS. */
  bindings(): readonly ChannelBinding[];
  /** The certificates that the peer showed, its own first; none without TLS. */
  chain(): readonly X509Certificate[];
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
