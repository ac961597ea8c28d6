import { spawn } from 'node:child_process';

export interface Ran {
  /** The exit code, or the signal's name. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  /** Replaces the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** It is killed after so many milliseconds. */
  readonly killAfter?: number;
  /** Whose process it is, user and group; only root can say another than itself. */
  readonly uid?: number;
  /** Called with each piece of standard error, as it comes. */
  readonly onStderr?: (text: string) => void;
}

// A run that takes longer hangs.
const LIMIT_MS = 60_000;

/** Runs a program to its end. */
export function run(program: string, words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      stdio: 'pipe',
      ...(options.killAfter === undefined
        ? { timeout: LIMIT_MS }
        : { timeout: options.killAfter, killSignal: 'SIGKILL' as const }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(text);
    });
    // The program may end before it has read everything.
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? signal ?? 'unknown', stdout, stderr }));
  });
}
