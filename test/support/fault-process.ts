/** The real command as a process with standard streams, an environment and signals of every kind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { NO_QUEUE, POSTHASTE } from './fault-run.ts';
import { type Ran, type RunOptions, run } from './run.ts';

export const MESSAGE =
  'From: me@client.test\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nMessage-ID: <1@client.test>\n\nThe end.\n';

/** Words that send to a server on loopback. */
export const to = (port: number): readonly string[] => [
  ...NO_QUEUE,
  '--relay',
  `smtp://127.0.0.1:${port}`,
  '--tls',
  'may',
];

/** Runs a line of the shell, in which `$0` is the command; the words are `$@`. */
export const shell = (script: string, words: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  run('/bin/bash', ['-c', script, POSTHASTE, ...words], { stdin: MESSAGE, ...options });

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ran>;
}

export interface StartOptions {
  /** Null: nothing is written, and the end is left open. */
  readonly stdin?: string | null;
  /** A line of the shell that becomes the command with `exec`. */
  readonly script?: string;
}

/** Starts the command, with a message on its standard input. */
export function start(words: readonly string[], { stdin = MESSAGE, script }: StartOptions = {}): Started {
  const [program, ...first] = script === undefined ? [POSTHASTE] : ['/bin/bash', '-c', script, POSTHASTE];
  const child = spawn(program, [...first, ...words], { stdio: 'pipe', timeout: 30_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  child.stdin.on('error', () => {});
  if (stdin !== null) child.stdin.end(stdin);
  const ended = once(child, 'close').then(([code, signal]) => ({ status: code ?? signal, stdout, stderr }));
  return { child, pid: child.pid ?? 0, ended };
}

export const hasProc = existsSync('/proc/self/status');

/** The most memory that a process has held so far, in MiB. */
export function peakMemory(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kibibytes) / 1024;
}
