import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { startDelay, type Trip } from './delay.ts';
import { startSink } from './sink.ts';

/** The word that makes the bench a server instead: the servers have a process, and so a core, of their own. */
export const SERVE = 'serve';

export const ROUND_TRIP_MS = 100;

/** Where the servers listen. */
export interface Ports {
  readonly near: number;
  /** The same behind the delay proxy. */
  readonly far: number;
}

export interface Servers extends Ports {
  /** The next connection through the proxy that ends. */
  nextTrip(): Promise<Trip>;
  stop(): void;
}

/** Runs in the child. */
export async function serve(): Promise<void> {
  const tell = (message: Ports | Trip) => process.send?.(message);
  const near = await startSink();
  tell({ near, far: await startDelay(near, ROUND_TRIP_MS, tell) });
  process.on('disconnect', () => process.exit());
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T];
  return message;
}

/** Starts the servers in a child that runs the same program. */
export async function startServers(program: string): Promise<Servers> {
  const child = fork(program, [SERVE]);
  const ports = await nextMessage<Ports>(child);
  return { ...ports, nextTrip: () => nextMessage<Trip>(child), stop: () => child.disconnect() };
}
