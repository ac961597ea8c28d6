import type { Ending } from '../mail/ending.ts';
import type { Lane, Traffic } from './run-traffic.ts';

/** Where deliveries wait for their turn, in the order they came, and others go past those whose destination is busy. */
export interface Gate {
  /** True when the delivery may begin, and counts; false where the run is to end. */
  enter(lane: Lane): Promise<boolean>;
  /** The delivery has ended. */
  leave(lane: Lane): void;
}

export interface GateOptions {
  readonly traffic: Traffic;
  /** Aborted: nobody enters any more. */
  readonly signal: Ending;
  sleep(milliseconds: number, signal: Ending): Promise<void>;
}

interface Waiter {
  readonly lane: Lane;
  readonly done: (mayBegin: boolean) => void;
}

export function openGate({ traffic, signal, sleep }: GateOptions): Gate {
  const waiting = new Set<Waiter>();
  let isAsleep = false;

  function enterAll(): void {
    let soonest = Number.POSITIVE_INFINITY;
    for (const waiter of waiting) {
      const wait = signal.aborted ? 0 : traffic.wait(waiter.lane);
      if (wait === undefined) continue;
      if (wait > 0) {
        soonest = Math.min(soonest, wait);
        continue;
      }
      waiting.delete(waiter);
      if (!signal.aborted) traffic.begin(waiter.lane);
      waiter.done(!signal.aborted);
    }
    if (soonest < Number.POSITIVE_INFINITY && !isAsleep) void wakeIn(soonest);
  }

  async function wakeIn(milliseconds: number): Promise<void> {
    isAsleep = true;
    await sleep(Math.ceil(milliseconds), signal);
    isAsleep = false;
    enterAll();
  }

  signal.addEventListener('abort', enterAll);
  return {
    enter: (lane) =>
      new Promise((resolve) => {
        waiting.add({ lane, done: resolve });
        enterAll();
      }),
    leave(lane) {
      traffic.end(lane);
      enterAll();
    },
  };
}
