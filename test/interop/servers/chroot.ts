/**
 * Runs a server of those that `setup.sh` unpacked, by chroot, so that it finds its files, users and libraries at the
 * places that are compiled into it:
 *
 *   const place = makePlace('exim');              a new folder, and its path as the server sees it
 *   const port = await freePort();
 *   writeFileSync(join(place.outside, 'exim.conf'), …);
 *   const running = await startServer({ place, words: ['/usr/sbin/exim4', …], ports: [port] });
 *   …
 *   await running.stop();                         ends it and removes its place
 *
 * A server that does not come up is an error with all that it said. Nothing here outlives the tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** As in setup.sh. */
export const ROOT = '/var/cache/posthaste-interop/root';

/** A folder as the tests and as the server see it. */
export interface Place {
  readonly outside: string;
  readonly inside: string;
  /** The server's root. */
  readonly root: string;
}

export interface Start {
  readonly place: Place;
  /** The program and its arguments, as inside of the root. */
  readonly words: readonly string[];
  /** Where it will listen. */
  readonly ports: readonly number[];
}

export interface Running {
  /** What the server wrote to its output and to the `…log` files of its place. */
  log(): string;
  stop(): Promise<void>;
}

// A cold start of Dovecot takes one second; a machine that is busy, some more.
const START_MS = 20_000;
const STOP_MS = 5_000;
const POLL_MS = 20;

/** The numbers that setup.sh gives to the users. */
export const OWNER = { postfix: 64001, exim: 64003, mailbox: 64008 } as const;

export function makePlace(name: string, root = ROOT): Place {
  if (process.getuid?.() !== 0) throw new Error(`Cannot start ${name}: only root may do chroot`);
  if (!existsSync(root)) throw new Error(`Cannot start ${name}: no ${root}; run the setup scripts of test/interop`);
  const outside = mkdtempSync(join(root, 'tmp', `${name}-`));
  chmodSync(outside, 0o755);
  return { outside, inside: join('/tmp', basename(outside)), root };
}

/** A folder in a place, given to a user, in folders that all may enter. */
export function makeFolder(place: Place, name: string, owner: number): void {
  const path = join(place.outside, name);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chownSync(path, owner, owner);
  chmodSync(path, 0o700);
}

export function writeIn(place: Place, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place.outside, name), text, { mode: 0o644 });
}

/** A port of loopback that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('Cannot find a port: no number');
  return bound.port;
}

export async function startServer({ place, words, ports }: Start): Promise<Running> {
  // A group of its own, which some servers signal, and without which Postfix can't end its children.
  const child = spawn('chroot', [place.root, ...words], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', (error) => {
    output += error.message;
  });
  const watchdog = watch(child);
  const running: Running = {
    log: () => `${output}${readLogs(place)}`,
    async stop() {
      watchdog.kill('SIGKILL');
      await end(child);
      rmSync(place.outside, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  const limit = Date.now() + START_MS;
  for (const port of ports) {
    while (!(await isListening(port))) {
      if (child.exitCode !== null || Date.now() > limit) {
        const log = running.log();
        await running.stop();
        throw new Error(`Cannot start ${words[0]}: nobody listens on port ${port}\n${log}`);
      }
      await pause(POLL_MS);
    }
  }
  return running;
}

/** Ends the group when this process is gone, however it went: its end of the pipe is closed then. */
function watch(child: ChildProcess): ChildProcess {
  const words = ['-c', 'read -r _; kill -9 "-$1"', 'sh', String(child.pid)];
  return spawn('sh', words, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([closed, pause(STOP_MS, undefined, { ref: false })]);
  }
  killGroup(child);
}

/** The whole group; what is left of it after the server's own end are its children. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const readLogs = (place: Place): string =>
  readdirSync(place.outside, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('log'))
    .map((entry) => readFileSync(join(entry.path, entry.name), 'utf8'))
    .join('');
