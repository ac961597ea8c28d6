import { resolve as absoluteFrom } from 'node:path';
import { parseDuration } from '../config/duration.ts';
import type { Settings } from '../config/settings.ts';
import type { Ending } from '../mail/ending.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { quoted } from '../mail/printable.ts';
import { systemDisk } from '../queue/disk.ts';
import { isDrop } from '../queue/drop-put.ts';
import { type RunOptions, type RunReport, runQueue } from '../queue/run.ts';
import { type FindMeans, isFailure } from '../queue/run-means.ts';
import { keepRunning } from '../queue/runner.ts';
import type { Spool } from '../queue/spool.ts';
import { dropIn } from '../queue/spool-folders.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { printJson } from './json.ts';
import { line, resultLines } from './output.ts';
import type { OpenQueue, QueueCall } from './queue.ts';
import { openQueue, reportSettings } from './queue-open.ts';
import { createFlushProgress, type FlushProgress } from './queue-progress.ts';
import { fitting, readSelection, type Selection } from './queue-select.ts';
import { plural } from './queue-text.ts';
import { quicken } from './quicken.ts';
import { readSettings } from './setup.ts';
import { explain } from './trouble.ts';
import { meansFinder } from './way.ts';

/*
 * `posthaste queue run` and `flush`. A run tries what is due once and ends; `--forever` is a service in the foreground, and
 * `--background` the runner that others start, which ends when nothing has been due for long. What became of the mail is
 * in the log: a run says nothing on its own, and ends with 0 where the queue could be worked, whatever the servers said.
 */

export async function runFromWords(call: QueueCall, open: OpenQueue): Promise<ExitCode> {
  const { given } = call;
  const lasting = given.has('forever') ? 'forever' : given.has('background') ? 'background' : undefined;
  if (lasting === undefined && !given.has('linger')) return runOnce(call, open, given.has('all') ? 'all' : 'due');
  const refused = (['all', 'id', 'to', 'from'] as const).find((key) => given.has(key));
  if (refused !== undefined) {
    throw new CommandError(`Cannot use --${refused}: a run that goes on works the whole queue`, EXIT.usage);
  }
  const linger = lasting === 'forever' ? 'forever' : readLinger(call);
  // Where a service is to watch a queue that is not there yet, it is made.
  const spool = await openQueue(
    { settings: call.settings, option: given.get('spool')?.at(-1), log: call.log },
    call.around,
  );
  await quicken(spool);
  await keepRunning(spool, {
    ...runOptions(call),
    linger,
    onTrouble: (error) => call.around.stderr.write(line(error.message)),
  });
  return EXIT.ok;
}

function readLinger({ given, settings }: QueueCall): number {
  const text = given.get('linger')?.at(-1);
  if (text === undefined) return settings.runner.linger;
  const linger = parseDuration(text);
  if (linger !== undefined) return linger;
  throw new CommandError(`Cannot use --linger ${quoted(text)}: a duration is like 90s, 10m or 2h`, EXIT.usage);
}

/** `flush` is `all` with something to look at. */
export async function runOnce(call: QueueCall, open: OpenQueue, how: 'due' | 'all' | 'flush'): Promise<ExitCode> {
  const { given, ids, around } = call;
  const selection = readSelection(given, ids);
  const spool = await open();
  if (spool !== undefined) await quicken(spool);
  const isShown = how === 'flush' && !given.has('json') && (await around.stdout.isTerminal());
  const world = around.openWorld(call.settings);
  const progress = isShown
    ? createFlushProgress({
        write: (text) => around.stdout.write(text),
        monotonic: () => world.monotonic(),
        columns: around.stdout.columns(),
      })
    : undefined;
  const base = runOptions(call);
  const options: RunOptions = {
    ...base,
    ...(progress === undefined ? {} : { findMeans: counting(base.findMeans, progress) }),
    // Who selects wants these now; what is due anyway goes in its own time.
    all: how !== 'due' || !selection.isEmpty,
    ...(selection.isEmpty ? {} : { select: (entry) => isSelected(selection, entry, around.now()) }),
    onResult(result) {
      progress?.result(result);
      if (!given.has('verbose')) return;
      progress?.wipe();
      for (const text of resultLines([result])) around.stderr.write(text);
    },
  };
  let report = spool === undefined ? NOTHING : await runQueue(spool, options);
  // systemd tells us of no file that comes while we run.
  while (spool !== undefined && how === 'due' && !options.signal.aborted && (await options.takeIn?.(spool))) {
    report = joined(report, await runQueue(spool, options));
  }
  progress?.wipe();
  if (given.has('json')) around.stdout.write(printJson({ version: 1, exit: EXIT.ok, ...report }));
  else if (how === 'flush' || given.has('verbose')) around.stdout.write(`${reportText(report)}\n`);
  return EXIT.ok;
}

/** The means, with each connection told. */
const counting =
  (find: FindMeans, progress: FlushProgress): FindMeans =>
  async (way) => {
    const means = await find(way);
    if (isFailure(means)) return means;
    const { world } = means;
    const connect: typeof world.connect = async (...words) => {
      const connection = await world.connect(...words);
      progress.opened();
      return connection;
    };
    return { ...means, world: { ...world, connect } };
  };

const NOTHING: RunReport = { tried: 0, busy: 0, delivered: 0, deferred: 0, failed: 0, left: 0 };

const joined = (one: RunReport, other: RunReport): RunReport => ({
  ...other,
  tried: one.tried + other.tried,
  delivered: one.delivered + other.delivered,
  deferred: one.deferred + other.deferred,
  failed: one.failed + other.failed,
});

const isSelected = (selection: Selection, entry: QueueEntry, now: number): boolean =>
  fitting(selection, entry, now).length > 0;

function reportText({ tried, busy, delivered, deferred, failed, left }: RunReport): string {
  const other = busy === 0 ? '' : `, ${plural(busy, 'message')} left to another runner`;
  const counts = `${delivered} delivered, ${deferred} deferred, ${failed} failed`;
  return `${plural(tried, 'message')} tried: ${counts}${other}; ${plural(left, 'message')} left in the queue`;
}

/** Takes in what users have put into the drop, where there is one; trouble with it keeps nobody else's mail. */
function takerIn({ given, settings, log, around }: QueueCall, signal: Ending): (spool: Spool) => Promise<number> {
  const config = given.get('config')?.at(-1) ?? (around.env.POSTHASTE_CONFIG || undefined);
  const way = config === undefined ? {} : { config: absoluteFrom(around.cwd(), config) };
  const means = { settings, log, signal, way, memory: new Map<string, number>() };
  return async (spool) => {
    if (!isDrop(systemDisk, dropIn(spool.folder), undefined)) return 0;
    try {
      return await (await import('./drop-admit.ts')).takeInFor(spool, means, around);
    } catch (error) {
      const { text, exit } = explain(error);
      if (exit === EXIT.software) throw error;
      around.stderr.write(line(text));
      return 0;
    }
  };
}

function runOptions(call: QueueCall): RunOptions {
  const { settings, log, around } = call;
  const signal = around.catchSignals();
  const world = around.openWorld(settings);
  return {
    world,
    findMeans: meansFinder(around),
    reports: reportSettings(settings, around),
    takeIn: takerIn(call, signal),
    limits: settings.runner,
    fsync: settings.spool.fsync,
    signal,
    log: (event) => log.write(event),
  };
}

/** The settings that the entry's own configuration says. */
export async function findConfigured({ way }: QueueEntry, { settings, around }: QueueCall): Promise<Settings> {
  if (way.config === undefined) return settings;
  try {
    return await readSettings({ config: way.config }, around);
  } catch {
    return settings;
  }
}

/** Has what was changed tried in the background; without a runner it waits for the next one. */
export async function startQueueRunner(spool: Spool, { given, around }: QueueCall): Promise<void> {
  const config = given.get('config')?.at(-1);
  const words = ['queue', 'run', '--background', `--spool=${spool.folder}`];
  await around
    .startRunner(spool, {
      words: config === undefined ? words : [...words, `--config=${absoluteFrom(around.cwd(), config)}`],
      env: {},
    })
    .catch(() => {});
}
