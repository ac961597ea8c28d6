import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Relay } from '../../src/config/relay.ts';
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
import { table } from './measure.ts';

/*
 * The queue with fsync on, in one process: how many messages it takes in a second, how many leave for one server on
 * loopback, and how long a large one takes to list.
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
}

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

async function enqueue(spool: Spool, message: Message, count: number): Promise<number> {
  const began = performance.now();
  let left = count;
  const submit = async (): Promise<void> => {
    while (left-- > 0) {
      const now = Date.now();
      const recipient = { address: { local: `user${left}`, domain: 'example.net' } };
      await spool.accept(message, {
        ...{ queued: now, envelope: { sender: { local: 'ann', domain: 'example.org' } }, way: {}, uid: 0 },
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

/** Measures the queue in a folder below `parent`; the server at the port takes all mail. */
export async function measureQueue(parent: string, port: number, message: Message): Promise<QueueMeasures> {
  const folder = mkdtempSync(join(parent, 'posthaste-bench-'));
  try {
    const open = (name: string, fsync: boolean) =>
      openSpool({ folder: join(folder, name), fsync, process: currentOwner(), now: Date.now });
    const spool = await open('drain', true);
    const enqueued = await enqueue(spool, message, DRAIN);
    const drained = await drain(spool, port);
    const large = await open('list', false);
    await enqueue(large, message, LISTED);
    const before = process.memoryUsage().rss;
    const began = performance.now();
    let count = 0;
    for await (const entry of large.entries()) count += entry.recipients.length;
    const listed = performance.now() - began;
    if (count !== LISTED) throw new Error(`Cannot list queue: ${count} entries were found`);
    return { enqueued, drained, listed, listMemory: Math.max(0, process.memoryUsage().rss - before) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A message of two kilobytes. */
export function smallMessage(): Message {
  const header = Buffer.from('From: ann@example.org\r\nTo: bob@example.net\r\nSubject: bench\r\n\r\n');
  const body = Buffer.from('This line of an ordinary message has seventy-six characters and its end.\r\n'.repeat(26));
  return { header, body: memorySource(body), facts: combine(scanBytes(header), scanBytes(body)) };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** The measures as text, for a folder on the disk that counts. */
export async function benchQueue(port: number): Promise<string> {
  const { enqueued, drained, listed, listMemory } = await measureQueue(tmpdir(), port, smallMessage());
  const rows = [
    [`messages taken in a second, of ${whole(DRAIN)}`, whole(enqueued)],
    ['messages delivered in a second, the same', whole(drained)],
    [`ms to list ${whole(LISTED)} entries`, whole(listed)],
    ['MB of memory that the list took', whole(listMemory / 1e6)],
  ];
  return `\nThe queue, with fsync, in one process\n\n${table(['', 'posthaste'], rows)}`;
}
