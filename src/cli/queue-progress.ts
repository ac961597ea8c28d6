import type { DeliveryResult } from '../mail/result.ts';

/** The line that a person watches while the queue is flushed: what became of recipients so far, and how fast. */
export interface FlushProgress {
  result(result: DeliveryResult): void;
  /** Takes the line away. */
  wipe(): void;
}

export interface FlushProgressOptions {
  write(text: string): void;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
  /** Columns of the terminal. */
  readonly columns: number;
}

/** Between two drawings, in milliseconds. */
const PERIOD = 100;

export function createFlushProgress({ write, monotonic, columns }: FlushProgressOptions): FlushProgress {
  const count = { delivered: 0, deferred: 0, failed: 0 };
  const hosts = new Set<string>();
  const began = monotonic();
  let drawn = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    result({ outcome, peer }) {
      count[outcome] += 1;
      if (peer !== undefined) hosts.add(`${peer.host} ${peer.address} ${peer.port}`);
      const now = monotonic();
      if (now - drawn < PERIOD) return;
      drawn = now;
      const all = count.delivered + count.deferred + count.failed;
      const rate = Math.round((all / Math.max(1, now - began)) * 1000);
      const counts = `${count.delivered} delivered, ${count.deferred} deferred, ${count.failed} failed`;
      const text = `${counts}, ${hosts.size} ${hosts.size === 1 ? 'server' : 'servers'}, ${rate}/s`;
      write(`\r${text.slice(0, Math.max(columns - 1, 10))}\x1b[K`);
      isShown = true;
    },
    wipe() {
      if (isShown) write('\r\x1b[K');
      isShown = false;
    },
  };
}
