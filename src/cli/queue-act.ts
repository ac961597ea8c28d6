import { formatAddress } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { QueueEvent } from '../queue/event.ts';
import type { EntryClaim, Spool } from '../queue/spool.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { printJson } from './json.ts';
import { line } from './output.ts';
import type { OpenQueue, QueueCall } from './queue.ts';
import { bounceNow } from './queue-bounce.ts';
import { findConfigured, startQueueRunner } from './queue-run.ts';
import { fitting, readSelection, type Selection } from './queue-select.ts';
import { plural } from './queue-text.ts';

/*
 * `posthaste queue retry`, `hold`, `release`, `remove` and `bounce`: each changes the entries that were selected, under
 * their claim, one after the other. One that is being delivered is waited for a moment and then left alone, which is
 * told (75): what is under way can't be stopped, and what was decided twice would be wrong once.
 */

export type Act = 'retry' | 'hold' | 'release' | 'remove' | 'bounce';

const DONE: Readonly<Record<Act, string>> = {
  retry: 'tried now',
  hold: 'held',
  release: 'released',
  remove: 'removed',
  bounce: 'bounced',
};

export async function actOnQueue(act: Act, call: QueueCall, open: OpenQueue): Promise<ExitCode> {
  const { given, ids, around } = call;
  const selection = readSelection(given, ids);
  if (selection.isEmpty && !given.has('all')) {
    throw new CommandError(`Cannot ${act}: say which messages, by id or option; --all is everything`, EXIT.usage);
  }
  const tally: Tally = { messages: [], busy: [], recipients: 0 };
  const spool = await open();
  if (spool !== undefined) {
    for await (const entry of spool.entries()) {
      const found = fitting(selection, entry, around.now());
      if (found.length === 0 || !isFor(act, entry)) continue;
      const done = given.has('dryRun') ? found.length : await actOn({ act, id: entry.id, selection, spool }, call);
      if (done === 'busy') tally.busy.push(entry.id);
      else if (done > 0) tally.messages.push(entry.id);
      if (done !== 'busy') tally.recipients += done;
    }
  }
  if (spool !== undefined && tally.messages.length > 0 && !given.has('dryRun') && act !== 'hold' && act !== 'remove') {
    await startQueueRunner(spool, call);
  }
  return tell(act, tally, call);
}

interface Tally {
  readonly messages: string[];
  /** Those that somebody is at. */
  readonly busy: string[];
  recipients: number;
}

/** What is held already needs no holding, and the other way about. */
const isFor = (act: Act, { held }: QueueEntry): boolean =>
  act === 'hold' ? held !== true : act === 'release' ? held === true : true;

// A transaction under way is mostly over by then.
const TRIES = 20;
const PAUSE = 100;

interface Turn {
  readonly act: Act;
  readonly id: string;
  readonly selection: Selection;
  readonly spool: Spool;
}

/** The number of recipients it was done to, as they were found under the claim. */
async function actOn(turn: Turn, call: QueueCall): Promise<number | 'busy'> {
  const { around, settings } = call;
  const world = around.openWorld(settings);
  for (let tries = 1; ; tries += 1) {
    const claim = await turn.spool.claim(turn.id);
    if (claim !== undefined) {
      try {
        return await actClaimed(turn, claim, call);
      } finally {
        await claim.release();
      }
    }
    if ((await turn.spool.read(turn.id)) === undefined) return 0;
    if (tries === TRIES) return 'busy';
    await world.sleep(PAUSE);
  }
}

async function actClaimed({ act, selection, spool }: Turn, claim: EntryClaim, call: QueueCall): Promise<number> {
  const { entry } = claim;
  const now = call.around.now();
  const found = new Set(fitting(selection, entry, now));
  if (found.size === 0 || !isFor(act, entry)) return 0;
  const change = (to: (queued: QueuedRecipient) => QueuedRecipient): QueueEntry => ({
    ...entry,
    recipients: entry.recipients.map((queued) => (found.has(queued) ? to(queued) : queued)),
  });
  const isWhole = entry.recipients.every((queued) => queued.state !== 'pending' || found.has(queued));
  const named = [...found].map(({ recipient }) => formatAddress(recipient.address));
  const log = (event: QueueEvent['event'] & ('removed' | 'held' | 'released' | 'retried')): void =>
    call.log.write({ event, time: now, id: entry.id, ...(isWhole ? {} : { recipients: named }) });
  switch (act) {
    case 'retry':
      await spool.replace(
        claim,
        change((queued) => ({ ...queued, nextAttempt: now })),
      );
      log('retried');
      return found.size;
    case 'hold':
      await spool.replace(claim, { ...entry, held: true });
      log('held');
      return found.size;
    case 'release': {
      const { held: _, ...rest } = change((queued) => ({ ...queued, nextAttempt: Math.min(queued.nextAttempt, now) }));
      await spool.replace(claim, rest);
      log('released');
      return found.size;
    }
    case 'remove':
      if (isWhole) await spool.remove(claim);
      else
        await spool.replace(
          claim,
          change((queued) => ({ ...queued, state: 'removed' })),
        );
      log('removed');
      return found.size;
    case 'bounce':
      await bounceNow({ spool, claim, recipients: [...found] }, await findConfigured(entry, call), call);
      return found.size;
  }
}

function tell(act: Act, { messages, busy, recipients }: Tally, { given, ids, around }: QueueCall): ExitCode {
  const isDry = given.has('dryRun');
  const seen = new Set([...messages, ...busy]);
  const missing = ids.filter((id) => !seen.has(id));
  const exit = busy.length > 0 ? EXIT.tempFail : missing.length > 0 ? EXIT.noInput : EXIT.ok;
  for (const id of missing) around.stderr.write(line(`Cannot ${act} ${id}: ${MISSING[act]}`));
  for (const id of busy) around.stderr.write(line(`Cannot ${act} ${id}: it is being delivered now`));
  if (given.has('json')) {
    const dry = isDry ? { dryRun: true } : {};
    around.stdout.write(printJson({ version: 1, exit, act, ...dry, messages, recipients, busy, missing }));
  } else {
    const sum = `${plural(messages.length, 'message')}, ${plural(recipients, 'recipient')}`;
    // Trying is not done yet.
    const lead = isDry ? 'would be ' : act === 'retry' ? 'to be ' : '';
    around.stdout.write(`${sum} ${lead}${DONE[act]}\n`);
  }
  return exit;
}

const MISSING: Readonly<Record<Act, string>> = {
  retry: 'it is not in the queue',
  hold: 'it is not in the queue, or is held already',
  release: 'it is not in the queue, or is not held',
  remove: 'it is not in the queue',
  bounce: 'it is not in the queue',
};
