import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Way } from '../../src/mail/entry.ts';
import type { Message } from '../../src/message/message.ts';
import { combine, scanBytes } from '../../src/message/scan.ts';
import { memorySource } from '../../src/message/source.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool, type Spool } from '../../src/queue/spool.ts';
import { type Measured, measure, table } from './measure.ts';
import { drainPostfix, hasPostfix } from './postfix.ts';

/*
 * The queue with fsync on: how many messages it takes in a second in one process, how many leave for one server on
 * loopback, by ours and by Postfix's on the same disk, how much memory the command takes for many that are due at once,
 * and how long a large one takes to list.
 */

const DRAIN = 5_000;
const LISTED = 100_000;
/** Messages handed in at the same time. */
const AT_ONCE = 64;

/** Messages in a second, with so many sessions at once; Postfix's where it is there. */
interface Turn {
  readonly sessions: number;
  readonly drained: number;
  readonly postfix: number | undefined;
}

/**
 * The disks of shared machines are fast one moment and slow the next: ours and Postfix's take turns, each right after its
 * queue was filled. What is taken in a second is measured before: ext4 makes files slowly for a minute after it has
 * deleted many.
 */
const TURNS = 3;
/** To the one destination: our default, and Postfix's. */
const SESSIONS = [DEFAULTS.runner.destinationSessions, 20];

/** Per second, and the milliseconds and octets of memory that a list takes. */
export interface QueueMeasures {
  readonly taken: readonly number[];
  readonly turns: readonly Turn[];
  readonly listed: number;
  readonly listMemory: number;
  /** A run of the command over many that are due: per second from its start to its end, and octets of memory at most. */
  readonly ran: number;
  readonly runMemory: number;
}

/** Due at once for `posthaste queue run`. */
const RUN = 10_000;

interface Enqueueing {
  readonly count: number;
  readonly way?: Way;
}

async function enqueue(spool: Spool, message: Message, { count, way = {} }: Enqueueing): Promise<number> {
  const began = performance.now();
  let left = count;
  const submit = async (): Promise<void> => {
    while (left-- > 0) {
      const now = Date.now();
      const recipient = { address: { local: `user${left}`, domain: 'example.net' } };
      await spool.accept(message, {
        ...{
          queued: now,
          envelope: { sender: { local: 'ann', domain: 'example.org' } },
          way,
          uid: process.getuid?.() ?? 0,
        },
        recipients: [{ recipient, state: 'pending', attempts: 0, nextAttempt: now, history: [] }],
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, submit));
  return (count * 1000) / (performance.now() - began);
}

/** The built command, from its start to its end, as systemd or a person runs it. */
async function runCommand(spool: Spool, sessions: number): Promise<Measured> {
  const program = fileURLToPath(new URL('../bin/posthaste', import.meta.url));
  const config = `${spool.folder}.toml`;
  writeFileSync(config, `runner.destination_sessions = ${sessions}\n`);
  const options = [`--spool=${spool.folder}`, `--config=${config}`];
  const words = ['env', `POSTHASTE_LOG=${spool.folder}/log`, program, 'queue', 'run', ...options];
  const measured = await measure(words, '/dev/null');
  const left = (await spool.ids()).length;
  if (left > 0) throw new Error(`Cannot run queue: ${left} are left`);
  return measured;
}

/** Measures the queue in a folder below `parent`; the server at the port takes all mail. */
export async function measureQueue(parent: string, port: number, message: Message): Promise<QueueMeasures> {
  const folder = mkdtempSync(join(parent, 'posthaste-bench-'));
  try {
    const open = (name: string, fsync: boolean) =>
      openSpool({ folder: join(folder, name), fsync, process: currentOwner(), now: Date.now });
    const way: Way = { relay: `smtp://127.0.0.1:${port}`, tls: { level: 'none' } };
    const taken: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      taken.push(await enqueue(await open(`take-${turn}`, true), message, { count: DRAIN, way }));
    }
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      for (const sessions of SESSIONS) {
        const spool = await open(`drain-${turn}-${sessions}`, true);
        await enqueue(spool, message, { count: DRAIN, way });
        const drained = (DRAIN * 1000) / (await runCommand(spool, sessions)).wall;
        turns.push({ sessions, drained, postfix: await postfixTurn(port, sessions) });
      }
    }
    const large = await open('list', false);
    await enqueue(large, message, { count: LISTED });
    const before = process.memoryUsage().rss;
    const began = performance.now();
    let count = 0;
    for await (const entry of large.entries()) count += entry.recipients.length;
    const listed = performance.now() - began;
    if (count !== LISTED) throw new Error(`Cannot list queue: ${count} entries were found`);
    const listMemory = Math.max(0, process.memoryUsage().rss - before);
    const many = await open('run', false);
    await enqueue(many, message, { count: RUN, way });
    const { wall, resident } = await runCommand(many, DEFAULTS.runner.destinationSessions);
    return { taken, turns, listed, listMemory, ran: (RUN * 1000) / wall, runMemory: resident };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const MESSAGE_OCTETS = 2_000;

/** A message of two kilobytes. */
export function smallMessage(): Message {
  const header = Buffer.from('From: ann@example.org\r\nTo: bob@example.net\r\nSubject: bench\r\n\r\n');
  const body = Buffer.from('This line of an ordinary message has seventy-six characters and its end.\r\n'.repeat(26));
  return { header, body: memorySource(body), facts: combine(scanBytes(header), scanBytes(body)) };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');

const postfixTurn = async (port: number, concurrency: number): Promise<number | undefined> =>
  hasPostfix() ? drainPostfix({ messages: DRAIN, size: MESSAGE_OCTETS, port, concurrency }) : undefined;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** What left in a second with so many sessions, by ours and by Postfix. */
function drainRows(all: readonly Turn[], sessions: number): readonly (readonly string[])[] {
  const turns = all.filter((turn) => turn.sessions === sessions);
  const ours = [`delivered over ${sessions} sessions`, whole(median(turns.map(({ drained }) => drained)))];
  const pairs = turns.flatMap(({ drained, postfix }) => (postfix === undefined ? [] : [{ drained, postfix }]));
  if (pairs.length === 0) return [ours, ['  by Postfix: not there (test/interop/setup.sh, as root)', '-']];
  const ratio = median(pairs.map(({ drained, postfix }) => drained / postfix));
  const rate = median(pairs.map(({ postfix }) => postfix));
  return [ours, [`  by Postfix (ours is ${ratio.toFixed(2)} times that)`, whole(rate)]];
}

/** The measures as text, for a folder on the disk that counts. */
export async function benchQueue(port: number): Promise<string> {
  const { taken, turns, listed, listMemory, ran, runMemory } = await measureQueue(tmpdir(), port, smallMessage());
  const rows = [
    [`messages taken in a second, of ${whole(DRAIN)}`, whole(median(taken))],
    ...SESSIONS.flatMap((sessions) => drainRows(turns, sessions)),
    [`\`posthaste queue run\` with ${whole(RUN)} due: messages in a second`, whole(ran)],
    ['MB of memory that it took at most', whole(runMemory / 1e6)],
    [`ms to list ${whole(LISTED)} entries`, whole(listed)],
    ['MB of memory that the list took', whole(listMemory / 1e6)],
  ];
  return `\nThe queue, with fsync\n\n${table(['', 'posthaste'], rows)}`;
}
