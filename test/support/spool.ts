import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../src/queue/spool.ts';

// What a kill leaves is the same in memory, where making and deleting thousands of files takes no time.
const MEMORY = '/dev/shm';

/** A folder, in memory where that can be, which is gone after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'posthaste-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A spool in a folder of its own, and that folder; `fsync` is off, so that tests don't wait for the disk. */
export async function testSpool(options: Partial<SpoolOptions> = {}): Promise<{ spool: Spool; folder: string }> {
  const folder = options.folder ?? join(scratchFolder(), 'spool');
  const spool = await openSpool({ folder, fsync: false, process: currentOwner(), now: Date.now, ...options });
  return { spool, folder };
}
