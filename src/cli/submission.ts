import type { Settings } from '../config/settings.ts';
import type { Recipient } from '../mail/envelope.ts';
import { scheduleOf } from '../queue/run-means.ts';
import { openReporting } from '../queue/run-reports.ts';
import { openStormFile } from '../queue/run-storms.ts';
import type { Spool } from '../queue/spool.ts';
import { ruleFor } from '../route/table.ts';
import { type Submission, type SubmitRooms, type Submitted, submit } from '../submit/submit.ts';
import { findDrop } from './drop-place.ts';
import { EXIT, recipientCode } from './exit.ts';
import { openLog, openQueue, reportSettings, type Where } from './queue-open.ts';
import { runnerStart } from './runner-start.ts';
import { type Delivering, deliverJob, type Job } from './send.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * Submits a job by way of the spool. Loaded only when it comes to that: a message that is delivered at once, as nearly
 * all are, never needs it.
 */

export interface Outcome {
  /** Absent where nothing was tried in the foreground. */
  readonly delivering?: Delivering;
  readonly submitted: Submitted;
}

/** `tried` is what was delivered before this was loaded. */
export async function submitJob(job: Job, around: Surroundings, tried?: Delivering): Promise<Outcome> {
  const { options, settings, delivery, messageId } = job;
  const where: Where = { settings, option: options.spool, log: openLog(settings, around, options.tag) };
  let delivering = tried;
  const { table, submitter, envelope } = delivery;
  const settingsFor = (recipient: Recipient): Settings =>
    ruleFor(table, { recipient, sender: envelope.sender, ...submitter }).outlets[0].settings;
  const submission: Submission = {
    message: delivery.message,
    envelope: delivery.envelope,
    way: job.way,
    uid: around.surface.userId(),
    ...(messageId === undefined ? {} : { messageId }),
  };
  const rooms: Omit<SubmitRooms, 'openSpool' | 'startRunner' | 'report'> = {
    schedule: (recipient) => scheduleOf(settingsFor(recipient)),
    now: () => around.now(),
    random: () => around.random(),
    async attempt() {
      delivering ??= await deliverJob(job, around);
      return delivering;
    },
    isStorable: (result) => recipientCode(result) === EXIT.tempFail,
    log: (event) => where.log.write(event),
  };
  const drop = findDrop(job, around);
  const submitted =
    drop === undefined
      ? await submit(submission, options.mode, {
          ...rooms,
          openSpool: () => openOwn(where, job, around),
          startRunner: (spool) => startRunner(spool, job, around),
          report: (spool, entry, request) => report({ spool, submission, where }, { entry, request }, around),
        })
      : await submit(submission, options.mode, {
          ...rooms,
          openSpool: async () => (await import('./drop-hand.ts')).openDrop(job, drop, around),
          // Who takes in delivers, and reports.
          startRunner: async () => {},
          report: async () => {},
        });
  await where.log.close();
  return { submitted, ...(delivering === undefined ? {} : { delivering }) };
}

/** What a sendmail is given again and again is gathered, where the configuration says so. */
async function openOwn(where: Where, { options, settings }: Job, around: Surroundings): Promise<Spool> {
  const spool = await openQueue(where, around);
  const gathers = options.sendmail !== undefined && options.mode !== 'interactive';
  if (!gathers || settings.sendmail.repeatWindow === 0) return spool;
  return (await import('./gather.ts')).gathering(spool, settings, around);
}

/** The message is safe already: without a runner, the next one or a timer goes on with it. */
async function startRunner(spool: Spool, { options }: Job, around: Surroundings): Promise<void> {
  try {
    await around.startRunner(spool, runnerStart({ options, spool }, around));
  } catch (error) {
    if (options.verbose > 0) around.stderr.write(`no runner could be started: ${String(error)}\n`);
  }
}

interface Reported {
  readonly spool: Spool;
  readonly submission: Submission;
  readonly where: Where;
}

/** The message need not be in the spool, so the report is made of the one in hand. */
async function report(
  { spool, submission, where }: Reported,
  {
    entry,
    request,
  }: { readonly entry: Parameters<SubmitRooms['report']>[1]; readonly request: Parameters<SubmitRooms['report']>[2] },
  around: Surroundings,
): Promise<void> {
  const { settings, log } = where;
  const { body, ...message } = submission.message;
  // Who makes a report closes the message it is about, which is not the spool's here.
  const kept = { ...message, body: { size: body.size, chunks: () => body.chunks() } };
  const reporting = openReporting({
    ...reportSettings(settings, around),
    spool: { accept: (made, draft) => spool.accept(made, draft), message: async () => kept },
    storms: openStormFile({
      spool,
      fsync: settings.spool.fsync,
      sleep: (milliseconds) => around.openWorld(settings).sleep(milliseconds),
    }),
    now: () => around.now(),
    random: () => around.random(),
    onQueued: () => {},
  });
  const told = await reporting.tell([request], { entry, retryUntil: entry.queued });
  for (const event of told.events) log.write(event);
}
