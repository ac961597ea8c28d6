/*
 * Sessions that are kept between attempts, so that many messages go over one connection.
 *
 *     const pool = openPool({ sessions: 20, monotonic });
 *     await attempt(plan, world, { pool });     as often as there is mail: takes a session from here, or opens one
 *     await pool.close();                       QUIT for those that are idle
 *
 * A session is used again only by an attempt that would have opened the very same: host, address, port, protection and
 * login. It carries at most 100 transactions, is idle for some seconds at most, and makes room for another one where all
 * sessions together would be too many. How many are in use at the same time is the runner's affair (`queue/lanes`).
 */
import type { World } from '../world.ts';
import { type Opening, openSession, type Session, type SessionOptions, type SessionPlan } from './session.ts';

export interface PoolOptions {
  /** Open sessions at most, as far as those in use allow. */
  readonly sessions: number;
  /** Transactions on one session. Default 100. */
  readonly transactions?: number;
  /** Milliseconds until an idle session is ended. Default 5000. */
  readonly idle?: number;
}

export interface SessionPool {
  /** An idle session that fits, else a fresh one. Never rejects but for a bug. */
  open(plan: SessionPlan, world: World, options: SessionOptions & { readonly mayReuse: boolean }): Promise<Opening>;
  /** Ends what is idle, and whatever is given back from now on. */
  close(): Promise<void>;
}

// Some servers close after so many, and a long-lived session hides that a host has left its pool of addresses.
const TRANSACTIONS = 100;
// Servers wait for five minutes (RFC 5321, section 4.5.3.2.7), but one that is polite to others' slots is slowed down less.
const IDLE = 5_000;

interface Idle {
  readonly key: string;
  readonly session: Session;
  readonly timer: NodeJS.Timeout;
}

export function openPool(options: PoolOptions): SessionPool {
  const { sessions, transactions = TRANSACTIONS, idle = IDLE } = options;
  /** Those given back last are at the end. */
  const waiting = new Set<Idle>();
  let busy = 0;
  let closed = false;

  function remove(one: Idle): Session {
    clearTimeout(one.timer);
    waiting.delete(one);
    return one.session;
  }

  /** The one that was used last of the first address that has any: the others may become too old. */
  function find(key: string, addresses: readonly string[]): Idle | undefined {
    let best: Idle | undefined;
    let rank = addresses.length;
    for (const one of [...waiting].reverse()) {
      const place = one.key === key ? addresses.indexOf(one.session.peer.address) : -1;
      if (place < 0 || place >= rank) continue;
      best = one;
      rank = place;
    }
    return best;
  }

  /** The session for one attempt, which ends it in one of three ways. */
  function lend(key: string, session: Session): Session {
    const lent: Session = {
      ...session,
      most: transactions,
      keep() {
        busy -= 1;
        if (closed) return void session.quit();
        const one: Idle = { key, session: { ...session, used: lent.used }, timer: setTimeout(end, idle) };
        function end(): void {
          void remove(one).quit();
        }
        waiting.add(one);
      },
      async quit() {
        busy -= 1;
        await session.quit();
      },
      close() {
        busy -= 1;
        session.close();
      },
    };
    return lent;
  }

  return {
    async open(plan, world, { mayReuse, ...rest }) {
      const key = keyOf(plan);
      const found = mayReuse ? find(key, plan.addresses) : undefined;
      busy += 1;
      if (found !== undefined) return { kind: 'open', session: lend(key, remove(found)) };
      for (const oldest of waiting) {
        if (busy + waiting.size <= sessions) break;
        void remove(oldest).quit();
      }
      const opening = await openSession(plan, world, rest);
      if (opening.kind === 'open') return { kind: 'open', session: lend(key, opening.session) };
      busy -= 1;
      return opening;
    },
    async close() {
      closed = true;
      await Promise.all([...waiting].map((one) => remove(one).quit()));
    },
  };
}

/** What two sessions must have in common, but for the address. */
const keyOf = ({ addresses: _, timeouts: __, ...plan }: SessionPlan): string => JSON.stringify(plan);
