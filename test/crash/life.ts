import type { Disk } from '../../src/queue/disk.ts';
import type { Owner } from '../../src/queue/owner.ts';
import { openSpool, type Spool } from '../../src/queue/spool.ts';
import { draftFor } from '../support/draft.ts';
import { HELLO, messageOf } from '../support/message.ts';

/** What a spool was made to do, said before (`…ing`) or after it: `accepted <id>`, `removing <id>`, `removed <id>`. */
export type Say = (word: string, id: string) => void;

export interface Life {
  readonly folder: string;
  readonly process: Owner;
  readonly disk: Disk;
  readonly say: Say;
}

const message = messageOf(HELLO);

export const openFor = ({ folder, process, disk }: Life): Promise<Spool> =>
  openSpool({ folder, fsync: true, process, disk, now: Date.now });

/** All that happens to entries: accepted, read, changed, kept as failed, removed. */
export async function live(life: Life): Promise<void> {
  const spool = await openFor(life);
  await change(spool, life.say);
}

export async function change(spool: Spool, say: Say): Promise<void> {
  const [first, second, third] = [await accept(spool, say), await accept(spool, say), await accept(spool, say)];
  await underClaim(spool, first, async (claim) => {
    await spool.message(claim.entry);
    say('replacing', first);
    await spool.replace(claim, { ...claim.entry, held: true });
    say('replaced', first);
  });
  await underClaim(spool, second, async (claim) => {
    say('removing', second);
    await spool.remove(claim);
    say('removed', second);
  });
  await underClaim(spool, third, async (claim) => {
    say('failing', third);
    await spool.fail(claim, claim.entry);
    say('failed', third);
  });
}

async function accept(spool: Spool, say: Say): Promise<string> {
  const { id } = await spool.accept(message, draftFor('bob'));
  say('accepted', id);
  return id;
}

type EntryClaim = NonNullable<Awaited<ReturnType<Spool['claim']>>>;

async function underClaim(spool: Spool, id: string, work: (claim: EntryClaim) => Promise<void>): Promise<void> {
  const claim = await spool.claim(id);
  if (claim === undefined) throw new Error(`Cannot claim ${id}: nobody else can have it`);
  try {
    await work(claim);
  } finally {
    await claim.release();
  }
}
