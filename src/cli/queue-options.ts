import type { FormRow } from './program.ts';

/**
 * The commands of `posthaste queue` and their options, as a table: the parser, the help and the man page's test start
 * from it.
 */

export type QueueKey =
  | 'all'
  | 'background'
  | 'config'
  | 'count'
  | 'dryRun'
  | 'forever'
  | 'from'
  | 'id'
  | 'json'
  | 'linger'
  | 'olderThan'
  | 'raw'
  | 'reason'
  | 'spool'
  | 'to'
  | 'verbose';

const row = (key: QueueKey, flags: string, text: string, group: string): FormRow<QueueKey> => ({
  key,
  flags,
  text,
  group,
});

const SELECT = 'Which';
const RESULT = 'Result';

const ROWS: Readonly<Record<QueueKey, FormRow<QueueKey>>> = {
  to: row('to', '--to <text>', 'recipients whose address has the text in it', SELECT),
  from: row('from', '--from <text>', 'messages whose sender has the text in it; <> is nobody', SELECT),
  olderThan: row(
    'olderThan',
    '--older-than <duration>',
    'messages that have been queued that long: 90s, 2h, 3d',
    SELECT,
  ),
  reason: row('reason', '--reason <text>', 'recipients whose last failure has the text in it', SELECT),
  id: row('id', '--id <text>', 'messages whose id has the text in it; may be repeated', SELECT),
  all: row('all', '--all', 'everything', SELECT),
  dryRun: row('dryRun', '--dry-run', 'say what it would be done to, and do nothing', RESULT),
  json: row('json', '--json', 'print JSON', RESULT),
  count: row('count', '--count', 'print only how many messages there are', RESULT),
  raw: row('raw', '--raw', 'print the message itself, as it will be sent', RESULT),
  forever: row('forever', '--forever', 'stay in the foreground and run what comes, until a signal', RESULT),
  background: row(
    'background',
    '--background',
    'be the runner that others start: say nothing, end when nothing is due for long',
    RESULT,
  ),
  linger: row('linger', '--linger <duration>', 'wait that long for what is not due yet', RESULT),
  spool: row('spool', '--spool <folder>', 'where the queue is', RESULT),
  config: row('config', '--config <file>', 'read this configuration file', RESULT),
  verbose: row('verbose', '-v, --verbose', 'say what happens', RESULT),
};

export interface QueueCommand {
  readonly text: string;
  /** Whether ids may be given. */
  readonly operands: 'ids' | 'none';
  readonly rows: readonly FormRow<QueueKey>[];
}

const SELECTING: readonly QueueKey[] = ['to', 'from', 'olderThan', 'reason'];
const EVERYWHERE: readonly QueueKey[] = ['json', 'spool', 'config'];

const command = (text: string, operands: QueueCommand['operands'], keys: readonly QueueKey[]): QueueCommand => ({
  text,
  operands,
  rows: [...keys, ...EVERYWHERE].map((key) => ROWS[key]),
});

const acting = (text: string): QueueCommand => command(text, 'ids', [...SELECTING, 'all', 'dryRun']);

export const QUEUE_COMMANDS = {
  list: command('what is in the queue', 'ids', [...SELECTING, 'count']),
  show: command('one message: envelope, history and what it says', 'ids', ['raw']),
  retry: acting('have it tried now'),
  hold: acting('leave it alone until it is released'),
  release: acting('the end of hold'),
  remove: acting('take it out of the queue, and tell nobody'),
  bounce: acting('give it back to the sender'),
  stats: command('how much waits, for whom and how long', 'none', []),
  check: command('look whether every file is whole, and clear away leftovers', 'none', []),
  flush: command('try everything now, whether it is due or not', 'none', ['verbose']),
  run: command('try what is due', 'none', ['all', 'id', 'to', 'from', 'forever', 'background', 'linger', 'verbose']),
} as const satisfies Record<string, QueueCommand>;

export type QueueCommandName = keyof typeof QUEUE_COMMANDS;

export const isQueueCommand = (name: string): name is QueueCommandName => Object.hasOwn(QUEUE_COMMANDS, name);
