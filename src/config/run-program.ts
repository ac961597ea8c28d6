import { codeOf, MAX_SECRET } from './secret-text.ts';

/** A program to run, without a shell and with nothing on standard input. */
export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly timeout: number;
  /** Whether people see what it says on standard error. */
  readonly stderr: 'inherit' | 'ignore';
}

export type ProgramEnd =
  | { readonly kind: 'ended'; readonly status: number; readonly output: Buffer }
  | { readonly kind: 'missing' }
  /** It could not be run to its end. */
  | { readonly kind: 'broken'; readonly reason: string };

/** Runs a program to its end, bounded in time and in what it says. Never rejects. */
export async function runProgram({ program, args, env, timeout, stderr }: Program): Promise<ProgramEnd> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'pipe', stderr] });
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => stop(`did not end within ${timeout / 1000} s`), timeout);
    /** Does not wait for the end: a grandchild may hold the pipe open. */
    const stop = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      child.stdout.destroy();
      resolve({ kind: 'broken', reason });
    };
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_SECRET) stop('says more than 64 KiB');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      const code = codeOf(error);
      resolve(code === 'ENOENT' ? { kind: 'missing' } : { kind: 'broken', reason: `can't be run (${code})` });
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === null) resolve({ kind: 'broken', reason: `was ended by ${signal}` });
      else resolve({ kind: 'ended', status, output: Buffer.concat(chunks) });
    });
  });
}
