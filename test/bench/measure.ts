import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** One run of a program. */
export interface Measured {
  /** Milliseconds from before the start to the end. */
  readonly wall: number;
  /** Octets of memory that were resident at most; 0 where the system does not tell. */
  readonly resident: number;
}

/** Node reads the extra certificates at each start, which would be a cost of all programs in Node. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _unwanted, ...rest } = process.env;
  return rest;
}

// A program that takes longer hangs: the slowest needs half of it for 1 GB.
const LIMIT_MS = 60_000;
// The kernel keeps the highest value, so that only what comes after the last look is lost.
const LOOK_MS = 5;

function highWater(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

/** Runs a program on a file as standard input. @throws {Error} where it ends with anything but 0. */
export function measure(words: readonly string[], file: string): Promise<Measured> {
  const [program = '', ...rest] = words;
  const input = openSync(file, 'r');
  const began = performance.now();
  const child = spawn(program, rest, { stdio: [input, 'ignore', 'pipe'], env: environment(), timeout: LIMIT_MS });
  closeSync(input);
  let resident = 0;
  let said = '';
  const look = setInterval(() => {
    resident = Math.max(resident, highWater(child.pid ?? 0));
  }, LOOK_MS);
  child.stderr?.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      const wall = performance.now() - began;
      clearInterval(look);
      if (code === 0) resolve({ wall, resident });
      else reject(new Error(`${program} ended with ${code}: ${said.trim().slice(0, 300)}`));
    });
  });
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Columns of a table, the first one to the left and the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_cell, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return `${[line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')}\n`;
}
