import { composeRepeated } from '../bounce/repeated.ts';
import type { Settings } from '../config/settings.ts';
import { gatherRepeats } from '../queue/repeats.ts';
import type { Spool } from '../queue/spool.ts';
import { identify } from './identity.ts';
import type { Surroundings } from './surroundings.ts';

/** The spool, which takes a message that is like one before it into the message that stands for all of them. */
export function gathering(spool: Spool, settings: Settings, around: Surroundings): Spool {
  const { fqdn, domain } = identify(settings, around.surface);
  const world = around.openWorld(settings);
  const now = (): number => around.now();
  const gathered = gatherRepeats({
    spool,
    now,
    window: settings.sendmail.repeatWindow,
    fsync: settings.spool.fsync,
    sleep: (milliseconds) => world.sleep(milliseconds),
    compose: (message, repeated) =>
      composeRepeated(message, {
        ...{ ...repeated, now: now(), zone: around.zone(now()), random: () => around.random() },
        ...{ fqdn: fqdn ?? domain, limit: settings.bounce.size },
      }),
  });
  return { ...spool, ...gathered };
}
