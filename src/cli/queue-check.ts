import { DamageError } from '../queue/spool-error.ts';
import type { SweepReport } from '../queue/spool-sweep.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printJson } from './json.ts';
import type { OpenQueue, QueueCall } from './queue.ts';
import { plural } from './queue-text.ts';

/**
 * `posthaste queue check`: clears away what crashes left, then reads every entry and every message to its end. What is
 * damaged is set aside, so that the rest goes on, and told (74); what is being delivered meanwhile is passed over.
 */
export async function checkQueue({ given, around, damage }: QueueCall, open: OpenQueue): Promise<ExitCode> {
  const spool = await open();
  // Nothing that anybody living works on is a leftover, however new it is.
  const cleared = (await spool?.sweep(0)) ?? { messages: 0, temporary: 0, claims: 0 };
  let good = 0;
  for (const id of (await spool?.ids()) ?? []) {
    const entry = await spool?.read(id);
    if (spool === undefined || entry === undefined) continue;
    try {
      await spool.verify(entry);
      good += 1;
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      const claim = await spool.claim(id);
      if (claim === undefined) continue;
      await spool.setAside(claim, error.message);
      await claim.release();
    }
  }
  const exit = damage.length > 0 ? EXIT.io : EXIT.ok;
  const damaged = damage.map(({ id }) => id);
  around.stdout.write(
    given.has('json')
      ? printJson({ version: 1, exit, good, damaged, cleared })
      : `${plural(good, 'message')} good, ${damaged.length} damaged, ${leftovers(cleared)}\n`,
  );
  return exit;
}

function leftovers({ messages, temporary, claims }: SweepReport): string {
  if (messages + temporary + claims === 0) return 'no leftovers';
  return `cleared away ${plural(messages, 'message')} never accepted, ${plural(temporary, 'draft')}, ${plural(claims, 'claim')} of the dead`;
}
