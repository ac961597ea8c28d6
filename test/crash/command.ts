import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GREYLISTED, type MxServer, REFUSED, startMx } from '../support/mx-server.ts';
import { type Ran, run } from '../support/run.ts';

/*
 * The built command with a fault in it (`preload.cjs`), against a server on loopback: each run has a folder, a spool and
 * recipients of its own. Afterwards a run without a fault does what is left, and is what the faulty one is judged by.
 */

const PROGRAM = fileURLToPath(new URL('../../dist/start.cjs', import.meta.url));
const PRELOAD = fileURLToPath(new URL('./preload.cjs', import.meta.url));
export const MESSAGE = 'Subject: crash\n\nhello\n';

export interface CommandFault {
  /** The operation, or for `time` milliseconds. */
  readonly at: number;
  /** `kill`, `time` (killed by another process then), or the system's code. */
  readonly act: string;
  readonly counts: 'changes' | 'all';
}

export interface Faulty extends Ran {
  /** The operation that was hit; `-`: there were not so many. */
  readonly hit: string;
  readonly count: number;
}

/** Who calls and what is there: one for each fault. */
export interface Box {
  readonly folder: string;
  readonly spool: string;
  command(words: readonly string[], fault?: CommandFault): Promise<Faulty>;
  /** How often each recipient has got the message. */
  got(recipient: string): number;
}

/** Servers, one for each lane: a lane does one thing after the other. */
export async function openLane(): Promise<MxServer> {
  const tables = new Proxy<Record<string, readonly string[]>>(
    {},
    { get: (_, name) => repliesTo(typeof name === 'string' ? name : '') },
  );
  return startMx({ host: '127.0.0.1', name: 'mx.example.org', recipients: tables });
}

function repliesTo(recipient: string): readonly string[] | undefined {
  if (recipient.startsWith('grey')) return GREYLISTED;
  return recipient.startsWith('gone') ? REFUSED : undefined;
}

/** A new box; with `from`, its spool is a copy of that one. */
export function openBox(folder: string, mx: MxServer, from?: string): Box {
  const spool = join(folder, 'spool');
  mkdirSync(folder, { recursive: true });
  if (from !== undefined) cpSync(from, spool, { recursive: true });
  const already = mx.messages.length;
  const environment = {
    PATH: process.env.PATH ?? '',
    // Where a configuration may be, which is not what is tested.
    HOME: `${folder}.home`,
    POSTHASTE_SPOOL: spool,
    POSTHASTE_LOG: join(folder, 'log'),
  };
  return {
    folder,
    spool,
    async command(words, fault = { at: 0, act: 'kill', counts: 'changes' }) {
      const told = `${folder}.told`;
      const env = {
        ...environment,
        CRASH_UNDER: folder,
        CRASH_AT: fault.act === 'time' ? '0' : String(fault.at),
        CRASH_ACT: fault.act,
        CRASH_COUNTS: fault.counts,
        CRASH_TOLD: told,
      };
      const node = ['--require', PRELOAD, '--preserve-symlinks-main', PROGRAM, 'posthaste'];
      const ran = await run(process.execPath, [...node, ...words], {
        ...{ stdin: MESSAGE, env },
        ...(fault.act === 'time' ? { killAfter: fault.at } : {}),
      });
      const [count = '0', hit = '-'] = existsSync(told) ? readFileSync(told, 'utf8').split(' ') : [];
      return { ...ran, count: Number(count), hit };
    },
    got: (recipient) => mx.messages.slice(already).filter(({ recipients }) => recipients.includes(recipient)).length,
  };
}
