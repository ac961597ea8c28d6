/**
 * Runs the real command, `bin/posthaste`, against servers that go wrong, and gathers what everybody saw. What must hold
 * whatever happens is in `brokenInvariants`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type DnsServer, type DnsServerOptions, startDns, type Zones } from './dns-server.ts';
import type { Behaviour } from './fault-acts.ts';
import { type Certificates, type FaultServer, startFaultServer } from './fault-server.ts';
import { type Ran, run } from './run.ts';

export const POSTHASTE = resolve('bin/posthaste');
if (!existsSync('dist/posthaste.cjs')) throw new Error('Cannot test the command: it is not built (npm run build)');

/** What a connection is refused by: no server at all. */
export const NOBODY = 'nobody';

export interface FaultCase {
  /** In the order of preference; a relay is the first one. */
  readonly servers: readonly (Behaviour | typeof NOBODY)[];
  /** `mx`: by look-up; else the scheme of the relay's URL, with `user@` to log in. Default `smtp://`. */
  readonly via?: string;
  /** Words on the command line. */
  readonly words?: readonly string[] | ((certificates: Certificates) => readonly string[]);
  /** The first lines of the configuration, before its tables. Default: our name. */
  readonly config?: readonly string[];
  /** By stage, such as `200ms`. */
  readonly timeouts?: Readonly<Record<string, string>>;
  readonly recipients?: readonly string[];
  readonly message?: string | Buffer;
  /** Replaces the zones of `mx`; those that name the servers' port and certificates are made by it. */
  readonly zones?: Zones | ((port: number, certificates: Certificates) => Zones);
  readonly dns?: DnsServerOptions;
  /** Another name server is asked first; nobody listens there. */
  readonly deadResolver?: true;
  /** As in the world: what a look-up finds on loopback is refused. */
  readonly refusesLocal?: true;
}

/** A result of `--json`, as far as tests look. */
export interface Told {
  readonly exit: number;
  readonly recipients: readonly {
    readonly recipient: string;
    readonly outcome: string;
    readonly status: string;
    readonly code?: number;
    readonly stage?: string;
    readonly error?: string;
    readonly text?: string;
    readonly uncertain?: true;
    readonly address?: string;
    readonly tls?: { readonly verified: boolean } | null;
  }[];
  readonly error?: { readonly message: string };
}

export interface FaultRun extends Ran {
  readonly told: Told | undefined;
  readonly log: string;
  readonly servers: readonly (FaultServer | undefined)[];
  readonly milliseconds: number;
  readonly message: Buffer;
}

/** The password of every log-in; nothing that is printed may hold it. */
export const SECRET = 'Pass-w0rt^Geheim';
const USER = 'user';
const MESSAGE = 'From: sender@client.test\nSubject: fault\nTo: ann@dest.test\n\nOne line.\nThe end.\n';
/** A run that takes longer hangs, whatever it waits for. */
export const BOUND = 15_000;

/** Deferred is deferred: nothing is left to a queue. */
export const NO_QUEUE: readonly string[] = ['--no-queue'];
let count = 0;

export interface FaultWorld {
  /** An empty folder. */
  readonly folder: string;
  readonly certificates?: Certificates;
  /** PEM file of the authority, for `--tls-ca`. */
  readonly ca?: string;
}

export async function runFault(given: FaultCase, world: FaultWorld): Promise<FaultRun> {
  const folder = join(world.folder, String(count++));
  mkdirSync(folder);
  const isMx = given.via === 'mx';
  const servers = await startServers(given.servers, world);
  const port = servers.find((server) => server !== undefined)?.port ?? (await freePort());
  const { zones = zonesFor(given.servers.length) } = given;
  const known = (): Zones => (typeof zones === 'function' ? zones(port, world.certificates ?? fail()) : zones);
  const dns = isMx ? await startDns(known(), given.dns) : undefined;
  try {
    const config = join(folder, 'posthaste.toml');
    writeFileSync(config, configText(given, port, dns));
    const log = join(folder, 'log');
    const via = isMx ? [] : ['--relay', `${given.via ?? 'smtp://'}127.0.0.1:${port}`];
    const words = [...NO_QUEUE, '--json', '-vv', '--log', log, '--config', config, ...via, '-f', 'sender@client.test'];
    const ca = world.ca === undefined ? [] : ['--tls-ca', world.ca];
    const own = typeof given.words === 'function' ? given.words(world.certificates ?? fail()) : (given.words ?? []);
    // Most faults have nothing to do with TLS, which a relay is asked for otherwise.
    const isPlain = !isMx && given.via === undefined && !own.includes('--tls') && !own.includes('--require-tls');
    const tls = isPlain ? ['--tls', 'may'] : [];
    const message = given.message ?? MESSAGE;
    const began = performance.now();
    const ran = await run(
      POSTHASTE,
      [...words, ...ca, ...tls, ...own, '--', ...(given.recipients ?? ['ann@dest.test'])],
      {
        stdin: message,
        env: { PATH: process.env.PATH ?? '', POSTHASTE_PASSWORD: SECRET, POSTHASTE_STATE: folder },
        cwd: folder,
      },
    );
    return {
      ...ran,
      told: readTold(ran.stdout),
      log: existsSync(log) ? readFileSync(log, 'utf8') : '',
      servers,
      milliseconds: performance.now() - began,
      message: Buffer.from(message),
    };
  } finally {
    await Promise.all([...servers.map((server) => server?.close()), dns?.close()]);
  }
}

function fail(): never {
  throw new Error('Cannot name a certificate: these rows have none');
}

/** All on one port, each on an address of its own, where look-ups find them. */
async function startServers(
  wanted: FaultCase['servers'],
  { certificates }: FaultWorld,
): Promise<(FaultServer | undefined)[]> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const started: (FaultServer | undefined)[] = [];
    try {
      for (const [index, behaviour] of wanted.entries()) {
        const port = started.find((server) => server !== undefined)?.port ?? 0;
        const options = { host: `127.0.0.${index + 1}`, port, ...(certificates === undefined ? {} : { certificates }) };
        started.push(behaviour === NOBODY ? undefined : await startFaultServer(behaviour, options));
      }
      return started;
    } catch (error) {
      // The port is taken on one of the addresses.
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      await Promise.all(started.map((server) => server?.close()));
    }
  }
  throw new Error('Cannot start servers: no port is free on all addresses');
}

async function freePort(): Promise<number> {
  const server = await startFaultServer({});
  await server.close();
  return server.port;
}

const zonesFor = (hosts: number): Zones => {
  const names = Array.from({ length: hosts }, (_, index) => `mx${index + 1}.dest.test`);
  return {
    'dest.test': { MX: names.map((name, index) => `${10 * (index + 1)} ${name}`) },
    ...Object.fromEntries(names.map((name, index) => [name, { A: [`127.0.0.${index + 1}`] }])),
  };
};

const OURSELVES: readonly string[] = ['hostname = "client.test"', 'domain = "client.test"'];

function configText(given: FaultCase, port: number, dns: DnsServer | undefined): string {
  const { config = OURSELVES, timeouts = {}, deadResolver, refusesLocal } = given;
  const dead = deadResolver === true ? ['"127.0.0.1:1"'] : [];
  const servers = dns === undefined ? [] : ['[dns]', `servers = [${[...dead, `"${dns.address}:${dns.port}"`].join()}]`];
  return [
    ...config,
    ...servers,
    '[mx]',
    `port = ${port}`,
    `allow_local = ${refusesLocal !== true}`,
    '[timeouts]',
    ...Object.entries({ ...LIMITS, ...timeouts }).map(([stage, limit]) => `${stage} = "${limit}"`),
    '',
  ].join('\n');
}

/** Short enough that a bug does not stop the tests; long enough for two busy cores. */
const LIMITS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'resolve',
    'connect',
    'greeting',
    'ehlo',
    'starttls',
    'tls',
    'auth',
    'mail',
    'rcpt',
    'data',
    'body',
    'dot',
    'rset',
  ].map((stage) => [stage, '9s']),
);

function readTold(stdout: string): Told | undefined {
  try {
    return JSON.parse(stdout) as Told;
  } catch {
    return undefined;
  }
}

const SECRETS: readonly string[] = [
  SECRET,
  ...[SECRET, `\0${USER}\0${SECRET}`, `${USER}\0${USER}\0${SECRET}`].map((text) =>
    Buffer.from(text).toString('base64'),
  ),
  encodeURIComponent(SECRET),
];

/** What must hold for every run, and does not: nothing, it is hoped. */
export function brokenInvariants(ran: FaultRun): readonly string[] {
  const { status, stdout, stderr, log, told, servers, milliseconds } = ran;
  const all = `${stdout}\n${stderr}\n${log}`;
  const promised = servers.flatMap((server) => server?.messages.flatMap((message) => message.promised) ?? []);
  const delivered = (told?.recipients ?? []).filter(({ outcome }) => outcome === 'delivered');
  const known = new Set(promised);
  const unpromised = delivered.map(({ recipient }) => recipient).filter((name) => !known.has(name));
  const cut = servers
    .flatMap((server) => server?.messages ?? [])
    .filter(({ ended, recipients, bytes }) => ended && recipients.length > 0 && !isWhole(bytes, ran.message));
  const clear = servers.flatMap((server) => server?.heard ?? []).filter((heard) => !heard.encrypted);
  return [
    typeof status === 'string' || status === 1 || status === 255 ? `the status is ${status}` : '',
    status === 70 || /this is a bug|^\s+at .*:\d+:\d+/m.test(stderr) ? 'it met a bug' : '',
    told === undefined || told.exit !== status ? 'the object on standard output is not that of the status' : '',
    SECRETS.some((secret) => all.includes(secret)) ? 'a secret was printed' : '',
    clear.some(({ line }) => SECRETS.some((secret) => line.includes(secret))) ? 'a secret was sent in the clear' : '',
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(all) ? 'a control character was printed' : '',
    milliseconds > BOUND ? `it took ${Math.round(milliseconds)} ms` : '',
    known.size < promised.length ? 'a recipient was sent to twice' : '',
    unpromised.length > 0 ? `said to be delivered, and no server took it: ${unpromised.join(', ')}` : '',
    cut.length > 0 ? 'a message was ended that was not whole' : '',
  ].filter((text) => text !== '');
}

/** Whether the last line of the message is the last one that arrived. */
function isWhole(bytes: Buffer, message: Buffer): boolean {
  const last =
    message
      .toString('latin1')
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1) ?? '';
  return bytes.toString('latin1').includes(last);
}
