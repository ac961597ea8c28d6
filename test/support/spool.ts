import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { QueuedRecipient } from '../../src/mail/entry.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../src/queue/spool.ts';
import type { EntryDraft } from '../../src/queue/spool-write.ts';

/** A folder on a disk (the system's /tmp may be memory) that is gone after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync('/var/tmp/posthaste-test-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A spool in a folder of its own, and that folder; `fsync` is off, so that tests don't wait for the disk. */
export async function testSpool(options: Partial<SpoolOptions> = {}): Promise<{ spool: Spool; folder: string }> {
  const folder = options.folder ?? join(scratchFolder(), 'spool');
  const spool = await openSpool({ folder, fsync: false, process: currentOwner(), now: Date.now, ...options });
  return { spool, folder };
}

export const queuedFor = (local: string): QueuedRecipient => ({
  recipient: { address: { local, domain: 'example.org' } },
  state: 'pending',
  attempts: 0,
  nextAttempt: 0,
  history: [],
});

/** An entry for recipients at example.org, as who submits it knows it. */
export const draftFor = (...locals: readonly string[]): EntryDraft => ({
  queued: 1_800_000_000_000,
  envelope: { sender: { local: 'ann', domain: 'example.net' } },
  way: {},
  uid: 1000,
  recipients: locals.map(queuedFor),
});
