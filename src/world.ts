import type { Resolver } from './dns/resolver.ts';
import type { Ending } from './mail/ending.ts';
import type { BodyScratch } from './message/downgrade.ts';
import type { Connection, Target } from './net/connection.ts';
import type { LoginMemory } from './smtp/sasl/names.ts';
import type { PolicyMemory } from './tls/mta-sts.ts';

/** The program again, as another user. */
export interface Becoming {
  readonly program: string;
  readonly words: readonly string[];
  readonly uid: number;
  readonly gid: number;
}

/**
 * Everything outside the program that delivery needs, as parameters: `main` builds the real one, a test a small one.
 * Only `main` and the rooms named in the architecture test touch clocks, chance and sockets themselves.
 */
export interface World {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
  /** 0 <= x < 1. */
  random(): number;
  /** Resolves after so many milliseconds, at once where the signal is or becomes aborted. */
  sleep(milliseconds: number, signal?: Ending): Promise<void>;
  readonly resolver: Resolver;
  /** The addresses of a relay's name as the system finds them (/etc/hosts); rejects where there are none. */
  systemLookup(host: string): Promise<readonly string[]>;
  /** A place for the bytes of a re-encoded message. */
  scratch(): BodyScratch;
  /** Which mechanisms accounts were used with; absent: nothing is remembered. */
  logins?(): Promise<LoginMemory>;
  /** Which policies of MTA-STS are known; absent: nothing is remembered. */
  policies?(): Promise<PolicyMemory>;
  /** How a process of another user is started that runs an errand; undefined where nobody has that id, or we can't. */
  become?(uid: number): Becoming | undefined;
  /** Opens a connection to the first address of the target that answers. @throws {ConnectError} */
  connect(target: Target, signal?: Ending): Promise<Connection>;
}
