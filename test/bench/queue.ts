import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Relay } from '../../src/config/relay.ts';
import type { Way } from '../../src/mail/entry.ts';
import type { Message } from '../../src/message/message.ts';
import { combine, scanBytes } from '../../src/message/scan.ts';
import { memorySource } from '../../src/message/source.ts';
import { connect } from '../../src/net/connect.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { runQueue } from '../../src/queue/run.ts';
import type { Means } from '../../src/queue/run-means.ts';
import { openSpool, type Spool } from '../../src/queue/spool.ts';
import { scratch } from '../../src/submit/scratch.ts';
import { oneWay } from '../support/one-way.ts';
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

/** Per second, and the milliseconds and octets of memory that a list takes. */
export interface QueueMeasures {
  readonly enqueued: number;
  readonly drained: number;
  readonly listed: number;
  readonly listMemory: number;
  /** A run of the command over many that are due: per second from its start to its end, and octets of memory at most. */
  readonly ran: number;
  readonly runMemory: number;
}

/** Due at once for `posthaste queue run`. */
const RUN = 10_000;

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds).unref());

const relayTo = (port: number): Relay => ({
  protocol: 'smtp',
  host: '127.0.0.1',
  port,
  implicitTls: false,
  tls: 'none',
  display: `smtp://127.0.0.1:${port}`,
});

/** Sends to the server at that port of loopback. */
function meansTo(port: number): Means {
  return {
    ...oneWay({ settings: DEFAULTS, helloName: 'bench.test', via: { kind: 'relay', relay: relayTo(port) } }),
    world: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      random: () => Math.random(),
      sleep,
      resolver: { resolve: () => Promise.reject(new Error('nobody is asked')) },
      systemLookup: async (host) => [host],
      scratch,
      connect,
    },
  };
}

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

async function drain(spool: Spool, port: number): Promise<number> {
  const means = meansTo(port);
  const began = performance.now();
  const report = await runQueue(spool, {
    world: means.world,
    findMeans: async () => means,
    reports: { fqdn: 'bench.test', zone: () => 0 },
    limits: DEFAULTS.runner,
    fsync: true,
    signal: new AbortController().signal,
    log() {},
  });
  const seconds = (performance.now() - began) / 1000;
  const left = (await spool.ids()).length;
  if (left > 0 || report.delivered === 0) throw new Error(`Cannot drain queue: ${left} are left`);
  return report.delivered / seconds;
}

/** The built command, as systemd or a person runs it. */
async function runCommand(spool: Spool, message: Message, port: number): Promise<Measured> {
  const way: Way = { relay: `smtp://127.0.0.1:${port}`, tls: { level: 'none' } };
  await enqueue(spool, message, { count: RUN, way });
  const program = fileURLToPath(new URL('../bin/posthaste', import.meta.url));
  const words = ['env', `POSTHASTE_LOG=${spool.folder}/log`, program, 'queue', 'run', `--spool=${spool.folder}`];
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
    const spool = await open('drain', true);
    const enqueued = await enqueue(spool, message, { count: DRAIN });
    const drained = await drain(spool, port);
    const large = await open('list', false);
    await enqueue(large, message, { count: LISTED });
    const before = process.memoryUsage().rss;
    const began = performance.now();
    let count = 0;
    for await (const entry of large.entries()) count += entry.recipients.length;
    const listed = performance.now() - began;
    if (count !== LISTED) throw new Error(`Cannot list queue: ${count} entries were found`);
    const listMemory = Math.max(0, process.memoryUsage().rss - before);
    const { wall, resident } = await runCommand(await open('run', false), message, port);
    return { enqueued, drained, listed, listMemory, ran: (RUN * 1000) / wall, runMemory: resident };
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

/** Postfix with its default of sessions to a destination, and with ours; ours is what it is compared with. */
async function postfixRows(port: number, ours: number): Promise<readonly (readonly string[])[]> {
  const name = 'the same by Postfix';
  if (!hasPostfix()) return [[`${name}: not there (test/interop/setup.sh, as root)`, '-']];
  const rows: (readonly string[])[] = [];
  for (const concurrency of [20, DEFAULTS.runner.destinationSessions]) {
    const rate = await drainPostfix({ messages: DRAIN, size: MESSAGE_OCTETS, port, concurrency });
    rows.push([`${name}, ${concurrency} sessions (ours is ${(ours / rate).toFixed(1)} times that)`, whole(rate)]);
  }
  return rows;
}

/** The measures as text, for a folder on the disk that counts. */
export async function benchQueue(port: number): Promise<string> {
  const measures = await measureQueue(tmpdir(), port, smallMessage());
  const { enqueued, drained, listed, listMemory, ran, runMemory } = measures;
  const rows = [
    [`messages taken in a second, of ${whole(DRAIN)}`, whole(enqueued)],
    ['messages delivered in a second, the same', whole(drained)],
    ...(await postfixRows(port, drained)),
    [`\`posthaste queue run\` with ${whole(RUN)} due: messages in a second`, whole(ran)],
    ['MB of memory that it took at most', whole(runMemory / 1e6)],
    [`ms to list ${whole(LISTED)} entries`, whole(listed)],
    ['MB of memory that the list took', whole(listMemory / 1e6)],
  ];
  return `\nThe queue, with fsync\n\n${table(['', 'posthaste'], rows)}`;
}
