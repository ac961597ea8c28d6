import { DEFAULTS } from '../../src/config/defaults.ts';
import { connect } from '../../src/net/connect.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { runQueue } from '../../src/queue/run.ts';
import type { Means } from '../../src/queue/run-means.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { scratch } from '../../src/submit/scratch.ts';
import { oneWay } from './one-way.ts';

/*
 * A runner in a process of its own, for test/queue/run-many.test.ts: works the spool of its first argument against the
 * port of loopback in its second, tells its pid before and the number of recipients delivered after, and says why where
 * it fails.
 */
const [folder = '', port = ''] = process.argv.slice(2);

const world: Means['world'] = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  resolver: { resolve: () => Promise.reject(new Error('nobody is asked')) },
  systemLookup: async (host) => [host],
  scratch,
  connect,
};
const relay = {
  protocol: 'smtp',
  host: '127.0.0.1',
  port: Number(port),
  implicitTls: false,
  tls: 'none',
  display: 'smtp://127.0.0.1',
} as const;

async function work(): Promise<string> {
  const spool = await openSpool({ folder, fsync: false, process: currentOwner(), now: Date.now });
  const { delivered } = await runQueue(spool, {
    world,
    findMeans: async () => ({
      ...oneWay({ settings: DEFAULTS, helloName: 'client.test', via: { kind: 'relay', relay } }),
      world,
    }),
    reports: { fqdn: 'mail.example.org', zone: () => 0 },
    limits: DEFAULTS.runner,
    fsync: false,
    signal: new AbortController().signal,
    log() {},
  });
  return String(delivered);
}

work().then(
  (text) => process.stdout.write(`${text}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  },
);
