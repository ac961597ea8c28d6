import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fullConfig } from './full-config.ts';
import { type Measured, measure, median, table } from './measure.ts';
import { CURL, FROM, type Job, NODEMAILER_PEER, PASSWORD, PEERS, type Peer, POSTHASTE } from './peers.ts';
import { ROUND_TRIP_MS, SERVE, type Servers, serve, startServers } from './servers.ts';

/*
 * `npm run bench [small] [far] [queue] [large]`: the same message by every program that is installed, against one server. The
 * programs take turns, so that a slow minute of the machine is everybody's; what counts are the ratios in one run.
 */

// Odd numbers, for the median; a far message takes half a second to two.
const SMALL_RUNS = 31;
const FAR_RUNS = 3;
const LARGE_RUNS = 3;
const LARGE_OCTETS = 1024 ** 3;
const HEADER = 'From: ann@example.org\nTo: bob@example.net\nSubject: bench\n\n';
const LINE = 'The quick brown fox jumps over the lazy dog, and the dog does not mind it.\n';

const print = (text: string) => process.stdout.write(text);
const recipients = (count: number) => Array.from({ length: count }, (_none, at) => `bob${at}@example.net`);

interface Runner {
  readonly name: string;
  readonly words: readonly string[];
  /** Before each run; what it returns is done after it. */
  readonly prepare?: () => () => Promise<void>;
}

/** Runs each in turn, so many times; one that fails is left out, and told. */
async function takeTurns(runners: readonly Runner[], runs: number, file: string): Promise<Map<string, Measured[]>> {
  const results = new Map<string, Measured[]>(runners.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const { name, words, prepare } of runners) {
      const measured = results.get(name);
      if (measured === undefined) continue;
      try {
        const finish = prepare?.();
        measured.push(await measure(words, file));
        await finish?.();
      } catch (error) {
        results.delete(name);
        print(`${name} left out: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }
  return results;
}

const installed = (job: Job): readonly (Peer & { readonly command: readonly string[] })[] =>
  PEERS.flatMap((peer) => {
    const command = peer.isThere ? peer.words(job) : undefined;
    return command === undefined ? [] : [{ ...peer, command }];
  });

const middle = (measured: readonly Measured[]): number => median(measured.map(({ wall }) => wall));

async function benchSmall(job: Job): Promise<void> {
  const bare: Runner = { name: 'node -e 0', words: [process.execPath, '-e', '0'] };
  const configuration = `${job.file}.toml`;
  writeFileSync(configuration, fullConfig(job.port, job.spool));
  const configured: Runner = {
    name: 'posthaste, full configuration',
    words: ['bin/posthaste', '--config', configuration, '--file', job.file, '-f', FROM, ...job.recipients],
  };
  const [ours, ...others] = installed(job).map(({ name, command }) => ({ name, words: command }));
  const runners = [bare, ...(ours === undefined ? [] : [ours, configured]), ...others];
  const results = await takeTurns(runners, SMALL_RUNS, job.file);
  const base = middle(results.get(bare.name) ?? []);
  const rows = [...results].map(([name, measured]) => {
    const wall = middle(measured);
    return [name, wall.toFixed(1), (wall / base).toFixed(2)];
  });
  print(`\nOne message of ${statSync(job.file).size} octets to a server on loopback, median of ${SMALL_RUNS}\n\n`);
  print(table(['', 'ms', 'times node -e 0'], rows));
}

/** The median of milliseconds and of round trips, for one way of sending. */
async function farColumn(job: Job, servers: Servers): Promise<Map<string, string>> {
  const trips = new Map<string, number[]>();
  const runners = installed(job).map(
    ({ name, command }): Runner => ({
      name,
      words: command,
      prepare() {
        const trip = servers.nextTrip();
        return async () => {
          trips.set(name, [...(trips.get(name) ?? []), (await trip).roundTrips]);
        };
      },
    }),
  );
  const results = await takeTurns(runners, FAR_RUNS, job.file);
  return new Map(
    [...results].map(([name, measured]) => [name, `${middle(measured).toFixed(0)} (${median(trips.get(name) ?? [])})`]),
  );
}

async function benchFar(job: Job, servers: Servers): Promise<void> {
  const columns: Map<string, string>[] = [];
  for (const isSecure of [false, true]) {
    for (const count of [1, 5]) {
      columns.push(await farColumn({ ...job, port: servers.far, isSecure, recipients: recipients(count) }, servers));
    }
  }
  const rows = PEERS.filter(({ name }) => columns.some((column) => column.has(name))).map(({ name }) => [
    name,
    ...columns.map((column) => column.get(name) ?? '-'),
  ]);
  print(`\nThe same with ${ROUND_TRIP_MS} ms of round-trip time: ms (round trips), median of ${FAR_RUNS}\n\n`);
  print(table(['recipients', 'clear, 1', 'clear, 5', 'STARTTLS+AUTH, 1', 'STARTTLS+AUTH, 5'], rows));
}

function writeLarge(file: string) {
  const block = Buffer.from(LINE.repeat(10_000));
  const fd = openSync(file, 'w');
  writeSync(fd, HEADER);
  for (let size = 0; size < LARGE_OCTETS; size += block.length) writeSync(fd, block);
  closeSync(fd);
}

async function benchLarge(job: Job): Promise<void> {
  writeLarge(job.file);
  const peers = [POSTHASTE, CURL, NODEMAILER_PEER].filter((peer) => peer.isThere);
  const runners = peers.map((peer) => ({ name: peer.name, words: peer.words(job) ?? [] }));
  const results = await takeTurns(runners, LARGE_RUNS, job.file);
  const ours = middle(results.get(POSTHASTE.name) ?? []);
  const rows = [...results].map(([name, measured]) => {
    const resident = Math.max(...measured.map((one) => one.resident)) / 1e6;
    return [name, (middle(measured) / 1000).toFixed(2), (middle(measured) / ours).toFixed(2), resident.toFixed(0)];
  });
  print(`\nA message of 1 GiB from a file, median of ${LARGE_RUNS}\n\n`);
  print(table(['', 's', 'times posthaste', 'MB resident'], rows));
}

async function bench(wanted: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-bench-'));
  const servers = await startServers(fileURLToPath(import.meta.url));
  const isWanted = (part: string) => wanted.length === 0 || wanted.includes(part);
  try {
    const file = join(folder, 'message.eml');
    const passwordFile = join(folder, 'password');
    writeFileSync(file, HEADER + LINE.repeat(26));
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    const job: Job = {
      port: servers.near,
      recipients: recipients(1),
      isSecure: false,
      spool: join(folder, 'spool'),
      file,
      passwordFile,
    };
    if (isWanted('small')) await benchSmall(job);
    if (isWanted('far')) await benchFar(job, servers);
    if (isWanted('queue')) print(await (await import('./queue.ts')).benchQueue(servers.near));
    if (isWanted('large')) await benchLarge({ ...job, file: join(folder, 'large.eml') });
  } finally {
    servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first, ...others] = process.argv.slice(2);
if (first === SERVE) void serve();
else await bench(first === undefined ? [] : [first, ...others]);
