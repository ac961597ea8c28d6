/*
 * The program's first file: it builds the real world and calls `run`, and it is the only one that does both. What is
 * not needed by every message (name servers, configuration) is loaded when it is asked for.
 *
 * Standard output and error are written with plain system calls: nothing is left to flush at the end, so that leaving is
 * safe at once, and a reader that has gone away is no error. A program that has nothing to say does not even open them.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { hostname, networkInterfaces, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { EXIT } from './cli/exit.ts';
import { line } from './cli/output.ts';
import { run } from './cli/run.ts';
import {
  findConfig,
  fullNameOf,
  groupOf,
  listFolder,
  readAliases,
  readHostname,
  readSmallFile,
  userNameOf,
} from './cli/small-files.ts';
import type { Output, RunnerStart, Surroundings } from './cli/surroundings.ts';
import { explain } from './cli/trouble.ts';
import type { Settings } from './config/settings.ts';
import { deliver } from './delivery/deliver.ts';
import type { Resolver } from './dns/resolver.ts';
import { systemLookup } from './dns/system.ts';
import { createEnding, type Ending, sleep } from './mail/ending.ts';
import { connect } from './net/connect.ts';
import type { Spool } from './queue/spool.ts';
import { stageLimit } from './smtp/stages.ts';
import { openConfigMemory } from './submit/config-memory.ts';
import { intake } from './submit/intake.ts';
import { type Asker, statePlace } from './submit/places.ts';
import { scratch } from './submit/scratch.ts';
import { conversation, drain, isTerminal } from './submit/standard-input.ts';
import { CONFIG_READER } from './version.ts';
import type { Becoming, World } from './world.ts';

/** `performance.now()` would load eight modules of Node's. */
function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Waits while a reader that is not ready keeps a non-blocking descriptor full, in milliseconds. */
const PATIENCE = 5000;
const NAP = 10;

/** Writes all of it; false where nobody takes it. */
function writeAll(descriptor: number, bytes: Buffer): boolean {
  const until = monotonic() + PATIENCE;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || monotonic() > until) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP);
    }
  }
  return true;
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** What can't be written is lost without a word: there is nobody else to tell. */
const output = (descriptor: 1 | 2): Output => ({
  write: (text) => void writeAll(descriptor, Buffer.from(text)),
  writeBytes: (bytes) => void writeAll(descriptor, bytes),
  isTerminal: () => isTerminal(descriptor),
  columns: () => (descriptor === 1 ? process.stdout : process.stderr).columns || 80,
});

function orUndefined<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/** Asks the servers of the settings, else those of /etc/resolv.conf; neither is read before the first question. */
function lazyResolver(settings: Settings): Resolver {
  let made: Promise<Resolver> | undefined;
  const make = async (): Promise<Resolver> => {
    const [{ createResolver }, { parseResolvConf }] = await Promise.all([
      import('./dns/query.ts'),
      import('./dns/resolv-conf.ts'),
    ]);
    const { servers } = settings.dns;
    const text = servers === undefined ? orUndefined(() => readFileSync('/etc/resolv.conf', 'utf8')) : undefined;
    const limit = stageLimit('resolve', settings.timeouts);
    return createResolver({
      ...parseResolvConf(text ?? ''),
      ...(servers === undefined ? {} : { servers }),
      limit,
      now: monotonic,
    });
  };
  return {
    async resolve(name, type) {
      made ??= make();
      return (await made).resolve(name, type);
    },
  };
}

/** Whose state it is. */
const asker = (): Asker => ({
  env: process.env,
  uid: surroundings.surface.userId(),
  home: surroundings.home,
  cwd: surroundings.cwd,
});

const openWorld = (settings: Settings): World => ({
  now: () => Date.now(),
  monotonic,
  random: () => Math.random(),
  sleep,
  resolver: lazyResolver(settings),
  systemLookup,
  scratch,
  logins: async () => (await import('./submit/login-memory.ts')).loginMemoryOf(asker()),
  policies: async () => (await import('./submit/policy-memory.ts')).policyMemoryOf(asker()),
  become,
  connect,
});

/**
 * nohup, mailx and others start us with signals ignored, and Node forgets that before the first line runs: the launcher
 * says which they were, and they stay ignored.
 */
const ignored = (['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const).filter((name) =>
  process.env.POSTHASTE_IGNORED_SIGNALS?.split(' ').includes(name),
);
for (const name of ignored) process.on(name, () => {});

/** The first signal ends the run in order; the second one at once. */
function catchSignals(): Ending {
  const controller = createEnding();
  const end = (name: string): void => {
    if (controller.signal.aborted) {
      writeAll(2, Buffer.from(line(`ended at once by a second signal (${name})`)));
      process.exit(EXIT.tempFail);
    }
    controller.abort();
  };
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) if (!ignored.includes(name)) process.on(name, end);
  return controller.signal;
}

/** Only whom the password database knows: his group comes from there. */
function become(uid: number): Becoming | undefined {
  const gid = groupOf(uid);
  const program = process.mainModule?.filename;
  if (gid === undefined || program === undefined) return undefined;
  return { program: process.execPath, words: [...process.execArgv, program, 'posthaste-errand'], uid, gid };
}

/** The same program again, by the file it was started from; signals that we were told to ignore are not its to ignore. */
async function startRunner(spool: Spool, { words, env }: RunnerStart): Promise<void> {
  const { ensureRunner } = await import('./queue/background.ts');
  const { POSTHASTE_IGNORED_SIGNALS: _, ...own } = process.env;
  const program = process.mainModule?.filename;
  if (program === undefined) return;
  await ensureRunner(spool, {
    program: process.execPath,
    words: [...process.execArgv, program, 'posthaste', ...words],
    env: { ...own, ...env },
  });
}

/** Sources change, and so nothing is remembered of what they made of a file. */
function rememberConfig() {
  if (CONFIG_READER === undefined) return undefined;
  const place = statePlace('config-memory', asker());
  return 'path' in place ? openConfigMemory(place.path, CONFIG_READER) : undefined;
}

const surroundings: Surroundings = {
  stdout: output(1),
  stderr: output(2),
  env: process.env,
  surface: {
    hostname: () => readHostname() ?? hostname(),
    hosts: () => orUndefined(() => readFileSync('/etc/hosts', 'utf8')),
    mailname: () => orUndefined(() => readFileSync('/etc/mailname', 'utf8')),
    userName: () => orUndefined(() => userInfo().username),
    userId: () => process.getuid?.() ?? 0,
  },
  cwd: () => process.cwd(),
  // Beside dist/start.cjs.
  program: () => join(dirname(process.mainModule?.filename ?? ''), '../bin/posthaste'),
  home: () => orUndefined(() => userInfo().homedir) || undefined,
  now: () => Date.now(),
  random: () => Math.random(),
  zone: (milliseconds) => -new Date(milliseconds).getTimezoneOffset(),
  readFile: async (file) => readSmallFile(file),
  configMemory: rememberConfig,
  isTyped: () => isTerminal(0),
  findConfig,
  listFolder,
  userNameOf,
  fullNameOf,
  readAliases,
  findSecret: async (request) => (await import('./config/secrets.ts')).findSecret(request, process.env),
  async askPassword(prompt) {
    const { askPassword } = await import('./cli/ask-password.ts');
    // As if it had been there from the start: a runner that is left behind needs it, too.
    process.env.POSTHASTE_PASSWORD = await askPassword(prompt);
  },
  readMessage: (request) => intake(request),
  drain: () => drain(),
  converse: () => conversation((text) => writeAll(1, Buffer.from(text))),
  openWorld,
  ownAddresses: () =>
    Object.values(networkInterfaces()).flatMap((each) =>
      (each ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
    ),
  deliver,
  openLog(file) {
    const descriptor = openSync(file, 'a', 0o600);
    return (text) => {
      writeSync(descriptor, text);
    };
  },
  startRunner,
  catchSignals,
};

/** A bug, wherever it shows: one line and a code that says so, never a stack trace and never status 1. */
function endByBug(error: unknown): never {
  const { text, exit } = explain(error);
  writeAll(2, Buffer.from(line(text)));
  process.exit(exit);
}

process.on('uncaughtException', endByBug).on('unhandledRejection', endByBug);
// What was written has left; look-ups that nobody waits for, and QUITs, must not keep us.
run(process.argv.slice(2), surroundings, process.argv[1]).then((code) => process.exit(code), endByBug);
