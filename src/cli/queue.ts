import type { Settings } from '../config/settings.ts';
import { quoted } from '../mail/printable.ts';
import type { EventLog } from '../queue/event-log.ts';
import type { Damage, Spool } from '../queue/spool.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { line } from './output.ts';
import { type Form, type GivenOf, readWords, type Words } from './program.ts';
import { hasQueue, openLog, openQueue, otherSpools, type Where } from './queue-open.ts';
import { isQueueCommand, QUEUE_COMMANDS, type QueueCommandName, type QueueKey } from './queue-options.ts';
import { COLOURS, type Paint, PLAIN } from './queue-text.ts';
import { readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * `posthaste queue …`: see and steer what waits for another attempt. This file reads the words and opens the spool; what
 * each command does is in `queue-list`, `queue-show`, `queue-act`, `queue-check` and `queue-run`, and each is loaded only
 * when it is called. What is printed was asked for, so it goes to standard output; errors do not.
 */

/** A call of one of the commands. */
export interface QueueCall {
  readonly given: GivenOf<QueueKey>;
  readonly ids: readonly string[];
  readonly settings: Settings;
  readonly log: EventLog;
  readonly paint: Paint;
  readonly around: Surroundings;
  /** What was found damaged so far. */
  readonly damage: Damage[];
}

/** @throws the errors that `cli/trouble` knows */
export async function runQueueCommand(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readQueueWords(words);
  switch (read.kind) {
    case 'print':
      around.stdout.write(read.text);
      return EXIT.ok;
    case 'wrong':
      throw new CommandError(read.text, EXIT.usage);
    case 'given':
      return run(read, around);
  }
}

/** The words behind `posthaste queue`, by the form of their command. Never throws for what a caller typed. */
export function readQueueWords(words: readonly string[]): QueueWords {
  const [first = 'list', ...rest] = words;
  if (first === '-h' || first === '--help' || first === 'help') return { kind: 'print', text: overview() };
  if (first.startsWith('-')) return readQueueWords(['list', ...words]);
  if (!isQueueCommand(first)) {
    const known = Object.keys(QUEUE_COMMANDS).join(', ');
    return wrong(`unknown command ${quoted(first)}, known are ${known}`);
  }
  const read = readWords(formOf(first), rest);
  if (read.kind !== 'given') return read;
  const [surplus] = QUEUE_COMMANDS[first].operands === 'none' ? read.words : [];
  return surplus === undefined ? { ...read, name: first } : wrong(`${first} takes no ${quoted(surplus)}`);
}

type Named = Words<QueueKey> & { readonly kind: 'given'; readonly name: QueueCommandName };
export type QueueWords = Named | { readonly kind: 'print' | 'wrong'; readonly text: string };

const wrong = (reason: string): QueueWords => ({ kind: 'wrong', text: `Cannot read command line: ${reason}` });

const overview = (): string =>
  [
    'Usage: posthaste queue [command] [options]',
    '',
    'See and steer what waits for another attempt. Without a command: list.',
    '',
    ...Object.entries(QUEUE_COMMANDS).map(([name, { text }]) => `  ${name.padEnd(8)} ${text}`),
    '',
    'Each command has its own --help. See posthaste(1).',
    '',
  ].join('\n');

function formOf(name: QueueCommandName): Form<QueueKey> {
  const { text, operands, rows } = QUEUE_COMMANDS[name];
  return {
    usage: `queue ${name} [options]${operands === 'ids' ? ' [id…]' : ''}`,
    description: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    operands: '[id...]',
    rows,
  };
}

async function run({ name, given, words: ids }: Named, around: Surroundings): Promise<ExitCode> {
  const config = given.get('config')?.at(-1);
  const settings = await readSettings(config === undefined ? {} : { config }, around);
  const isColoured = (around.env.NO_COLOR ?? '') === '' && (await around.stdout.isTerminal());
  const log = openLog(settings, around);
  const call: QueueCall = { given, ids, settings, log, paint: isColoured ? COLOURS : PLAIN, around, damage: [] };
  try {
    return await COMMANDS[name](call, () => open(call));
  } finally {
    await log.close();
  }
}

/** Undefined where there is none: nothing is made to be looked into. */
export type OpenQueue = () => Promise<Spool | undefined>;

async function open(call: QueueCall): Promise<Spool | undefined> {
  const where = whereOf(call);
  return hasQueue(where, call.around) ? openQueue(where, call.around) : undefined;
}

/** What root sees beside that: the other spools that are root's. */
async function openOthers(call: QueueCall): Promise<readonly Spool[]> {
  const where = whereOf(call);
  const found = otherSpools(where, call.around);
  return Promise.all(found.map((option) => openQueue({ ...where, option }, call.around)));
}

function whereOf({ given, settings, log, around, damage }: QueueCall): Where {
  const onDamage = (found: Damage): void => {
    damage.push(found);
    const what = found.kind === 'damaged' ? 'was damaged, and is in damaged/ now' : 'is of another version';
    around.stderr.write(line(`${found.id} ${what}: ${found.reason}`));
  };
  return { settings, option: given.get('spool')?.at(-1), log, onDamage };
}

type Command = (call: QueueCall, open: OpenQueue) => Promise<ExitCode>;

const act: (name: 'retry' | 'hold' | 'release' | 'remove' | 'bounce') => Command = (name) => async (call, open) =>
  (await import('./queue-act.ts')).actOnQueue(name, call, open);

const COMMANDS: Readonly<Record<QueueCommandName, Command>> = {
  list: async (call, open) => (await import('./queue-list.ts')).listQueue(call, open, () => openOthers(call)),
  stats: async (call, open) => (await import('./queue-list.ts')).showStats(call, open),
  show: async (call, open) => (await import('./queue-show.ts')).showQueued(call, open),
  retry: act('retry'),
  hold: act('hold'),
  release: act('release'),
  remove: act('remove'),
  bounce: act('bounce'),
  check: async (call, open) => (await import('./queue-check.ts')).checkQueue(call, open),
  flush: async (call, open) => (await import('./queue-run.ts')).runOnce(call, open, 'flush'),
  run: async (call, open) => (await import('./queue-run.ts')).runFromWords(call, open),
};
