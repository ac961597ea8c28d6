import type { Settings } from '../config/settings.ts';
import type { QueuedRecipient } from '../mail/entry.ts';
import type { Failure, Undelivered } from '../mail/result.ts';
import { scheduleOf } from '../queue/run-means.ts';
import { openRecord } from '../queue/run-record.ts';
import { openReporting } from '../queue/run-reports.ts';
import { openStormFile } from '../queue/run-storms.ts';
import type { EntryClaim, Spool } from '../queue/spool.ts';
import type { QueueCall } from './queue.ts';
import { reportSettings } from './queue-open.ts';

export interface Bouncing {
  readonly spool: Spool;
  readonly claim: EntryClaim;
  readonly recipients: readonly QueuedRecipient[];
}

/** Fails the recipients for good, with the bounce that a server's refusal would have made. */
export async function bounceNow(
  { spool, claim, recipients }: Bouncing,
  settings: Settings,
  call: QueueCall,
): Promise<void> {
  const { around, log } = call;
  const now = (): number => around.now();
  const random = (): number => around.random();
  const world = around.openWorld(settings);
  const { entry } = claim;
  const reporting = openReporting({
    ...reportSettings(settings, around),
    spool,
    storms: openStormFile({
      spool,
      fsync: settings.spool.fsync,
      sleep: (milliseconds) => world.sleep(milliseconds),
    }),
    now,
    random,
    onQueued: () => {},
  });
  const record = openRecord({
    spool,
    claim,
    entry,
    schedule: () => scheduleOf(settings),
    expected: recipients.length,
    now,
    random,
    tell: (requests, about) => reporting.tell(requests, about),
    onBooked: () => {},
    log: (event) => log.write(event),
  });
  await record.settle(recipients.map((queued) => givenUp(queued)));
}

/** RFC 3463: 5.7.0 is a matter of policy; what was last wrong stays with it. */
function givenUp({ recipient, last }: QueuedRecipient): Undelivered {
  const base: Failure = last ?? { scope: 'recipient', permanent: true, stage: 'resolve', status: '5.7.0', text: '' };
  const why = last === undefined ? 'it was not tried' : last.text;
  const failure = { ...base, permanent: true, status: '5.7.0', text: `given back by the administrator: ${why}` };
  return { outcome: 'failed', recipient, failure };
}
