import type { DeliveryResult } from '../mail/result.ts';
import { plural } from './queue-text.ts';

/** The line that a person watches while the queue is flushed: what became of recipients so far, and how fast. */
export interface FlushProgress {
  /** A connection was made: sessions are what a person sees to be reused, or not. */
  opened(): void;
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
  let sessions = 0;
  const began = monotonic();
  let drawn = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    opened() {
      sessions += 1;
    },
    result({ outcome }) {
      count[outcome] += 1;
      const now = monotonic();
      if (now - drawn < PERIOD) return;
      drawn = now;
      const all = count.delivered + count.deferred + count.failed;
      const rate = Math.round((all / Math.max(1, now - began)) * 1000);
      const counts = `${count.delivered} delivered, ${count.deferred} deferred, ${count.failed} failed`;
      const text = `${counts}, ${plural(sessions, 'session')}, ${rate}/s`;
      write(`\r${text.slice(0, Math.max(columns - 1, 10))}\x1b[K`);
      isShown = true;
    },
    wipe() {
      if (isShown) write('\r\x1b[K');
      isShown = false;
    },
  };
}
