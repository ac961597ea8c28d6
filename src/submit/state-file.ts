import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from '../queue/disk.ts';

/** Puts a small file of what was learned in the place of the last one, for ourselves alone. What can't be written is forgotten. */
export function replaceState(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    makeFolders(dirname(path));
    // What a process of the same number has left, when it was killed.
    unlinkQuietly(draft);
    writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
    renameSync(draft, path);
  } catch {
    unlinkQuietly(draft);
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there.
  }
}
