import type { Reach } from '../delivery/deliver.ts';
import { softened } from './run-results.ts';
import { noSession } from './run-traffic.ts';

// The first pause of the usual schedule, times five: mail has another way, and whoever runs the relay mends it meanwhile.
const PAUSE = 300_000;

/** What one run knows of ways that have others behind them; `monotonic` is in milliseconds. */
export function openReach(monotonic: () => number): Reach {
  const downUntil = new Map<string, number>();
  return {
    isDown: (destination) => (downUntil.get(destination) ?? 0) > monotonic(),
    learn(destination, results) {
      if (results.length > 0 && noSession(results.map(softened)) !== undefined)
        downUntil.set(destination, monotonic() + PAUSE);
      else downUntil.delete(destination);
    },
  };
}
