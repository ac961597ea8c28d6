/**
 * Types at a program that wants a terminal, which `script` gives it:
 *
 *   const ran = await typeAt({ root, user: 'ann', script: 'alpine bob@example.org' }, [[/^To/, 'text\r'], …]);
 *
 * Each text is typed when what is waited for has appeared behind the text before it. The terminal is a small ANSI one.
 */
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { environmentOf, type Root, USERS, type User } from './root.ts';

export interface Typing {
  readonly root: Root;
  readonly user: User;
  /** For its /bin/sh, without single quotes. */
  readonly script: string;
}

export interface Typed {
  readonly status: number | null;
  /** All that it showed, without what only moves about. */
  readonly shown: string;
}

const LIMIT_MS = 30_000;
const TERMINFO = 'lib/terminfo/a/ansi';

/** Escape sequences of a terminal become a space. */
const plain = (text: string): string => text.replace(/\x1b\[[\d;]*[A-Za-z]|[\r\x07]/g, ' ');

export function typeAt({ root, user, script }: Typing, steps: readonly (readonly [RegExp, string])[]): Promise<Typed> {
  cpSync(join('/', TERMINFO), join(root.path, TERMINFO), { recursive: true });
  const inside = `chroot --userspec=${USERS[user]} ${root.path} /bin/sh -c 'stty rows 24 cols 80; cd; ${script}'`;
  const env = { ...environmentOf(user), TERM: 'ansi', SHELL: '/bin/sh' };
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', inside, '/dev/null'], { stdio: 'pipe', env, timeout: LIMIT_MS });
    const left = [...steps];
    let output = '';
    let from = 0;
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      const [step] = left;
      if (step === undefined || !step[0].test(plain(output.slice(from)))) return;
      left.shift();
      from = output.length;
      child.stdin.write(step[1]);
    });
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: left.length > 0 ? null : status, shown: plain(output) }));
  });
}
