import type { QueuedRecipient } from '../../src/mail/entry.ts';
import type { EntryDraft } from '../../src/queue/spool-write.ts';

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
