import type { Ending } from '../mail/ending.ts';
import type { Message } from '../message/message.ts';
import { type Source, section, head as startOf } from '../message/source.ts';
import type { World } from '../world.ts';
import { codeOf, type Disk, systemDisk, unlessMissing } from './disk.ts';
import { type DropHead, MAX_DROP_HEAD, parseDropHead } from './drop-file.ts';
import { type Looked, lookAt, ownerOf } from './drop-look.ts';
import { openTold, putAway, sweepOthers, type Told, takeAway } from './drop-tidy.ts';
import type { QueueEvent } from './event.ts';
import type { Spool } from './spool.ts';
import { limited, shared } from './spool-commit.ts';
import { SpoolError, spoolError } from './spool-error.ts';
import { dropIn, syncFolder, takenIn } from './spool-folders.ts';
import { isQueueId, newQueueId } from './spool-id.ts';
import type { EntryDraft } from './spool-write.ts';

/*
 * Takes the messages that users have put into the drop into the spool. Of a file only its bytes and its owner count
 * (`drop-look.ts`); who may send what, and how it goes, `admit` says.
 *
 *   T1  drop/ID                            it waits
 *   T2  drop/ID   +message +entry (held)   accepted, and nobody tries it
 *   T3  taken/ID  +message +entry (held)   the file is out of its owner's reach
 *   T4  taken/ID  +message +entry          on its way
 *   T5            +message +entry          as any other
 *
 * Each step is on the disk before the next, and each state is found again after a crash: an entry is released only when
 * its file has left the drop, so no message is lost, and none is taken in twice. The name is the entry's id; where another
 * entry has it, the file gets a new name and is taken in by that one.
 *
 * What is no message of ours is taken away, or kept in damaged/ where it may be one, and told with the uid of its owner,
 * once for all of his files. One user's files are taken in as long as few of his messages wait; the others stay.
 */
export interface TakingIn {
  readonly world: Pick<World, 'now' | 'scratch'>;
  readonly fsync: boolean;
  readonly signal: Ending;
  readonly rules: DropRules;
  readonly log: (event: QueueEvent) => void;
  /** Takes those that may be gathered with others like them; absent: none are. */
  readonly gatherer?: Pick<Spool, 'acceptAs'>;
  /** What was told by earlier turns. */
  readonly memory?: Map<string, number>;
  readonly disk?: Disk;
}

export interface DropRules {
  /** Octets of the largest message. */
  readonly size: number;
  /** Messages of one user that may wait in the spool. */
  readonly messages: number;
  /** Completes names. */
  readonly domain: string;
  /** What becomes of a message. What it throws is told, and the file is kept in damaged/. */
  admit(asked: { readonly head: DropHead; readonly source: Source; readonly uid: number }): Promise<Admitted>;
}

export interface Admitted {
  readonly message: Message;
  readonly draft: EntryDraft;
  /** It is in the spool. */
  accepted?(id: string, message: Message): void;
}

// They share each fsync of a folder; each holds up to 1 MiB in memory.
const AT_ONCE = 16;
const LOCK = 'drop';

/** Takes in what is there; resolves with the number of messages. @throws {SpoolError} where the spool fails */
export async function takeIn(spool: Spool, means: TakingIn): Promise<number> {
  const { disk = systemDisk, world } = means;
  const names = list(disk, dropIn(spool.folder));
  if (names.length + list(disk, takenIn(spool.folder)).length === 0) return 0;
  const lock = await spool.acquire(LOCK);
  if (lock === undefined) return 0;
  const told = openTold({ now: () => world.now(), log: means.log, memory: means.memory ?? new Map() });
  try {
    for (const id of list(disk, takenIn(spool.folder))) await release(spool, disk, id);
    const ids = names.filter((name) => isQueueId(name)).sort();
    sweepOthers({ disk, folder: dropIn(spool.folder), now: world.now() }, names, told);
    const waiting = ids.length === 0 ? new Map<number, number>() : await waitingOf(spool);
    return await takeAll(
      { spool, means, disk, told, waiting, commit: committer(spool.folder, disk, means.fsync) },
      ids,
    );
  } catch (error) {
    throw spoolError('take in', dropIn(spool.folder), error);
  } finally {
    told.tell();
    await lock.release();
  }
}

/** In the order of their names; after trouble none more is begun. */
async function takeAll(taking: Taking, ids: readonly string[]): Promise<number> {
  // One that counts for those before it must find them released.
  const inTurn = limited(taking.means.gatherer === undefined ? AT_ONCE : 1);
  let taken = 0;
  let isOver = false;
  const work = ids.map((id) =>
    inTurn(async () => {
      if (isOver || taking.means.signal.aborted) return;
      try {
        if (await takeOne(taking, id)) taken += 1;
      } catch (error) {
        isOver = true;
        throw error;
      }
    }),
  );
  for (const end of await Promise.allSettled(work)) if (end.status === 'rejected') throw end.reason;
  return taken;
}

/** Brings the names in `taken` and `drop` to the disk, for all who wait for it. */
const committer = (folder: string, disk: Disk, fsync: boolean): (() => Promise<void>) =>
  fsync
    ? shared(async () => {
        await syncFolder(disk, takenIn(folder));
        await syncFolder(disk, dropIn(folder));
      })
    : async () => {};

const list = (disk: Disk, folder: string): readonly string[] => unlessMissing(() => disk.list(folder)) ?? [];

async function waitingOf(spool: Spool): Promise<Map<number, number>> {
  const waiting = new Map<number, number>();
  for await (const { uid, report } of spool.entries()) {
    if (report === undefined) waiting.set(uid, (waiting.get(uid) ?? 0) + 1);
  }
  return waiting;
}

interface Taking {
  readonly spool: Spool;
  readonly means: TakingIn;
  readonly disk: Disk;
  readonly told: Told;
  /** Messages of each user, those that are being taken in with them. */
  readonly waiting: Map<number, number>;
  /** Brings what was renamed to the disk. */
  commit(): Promise<void>;
}

async function takeOne(taking: Taking, id: string): Promise<boolean> {
  const { spool, means, disk, told, waiting } = taking;
  const { rules, world } = means;
  const path = `${dropIn(spool.folder)}/${id}`;
  const owner = ownerOf(disk, path);
  if (owner === undefined) return false;
  const count = waiting.get(owner.uid) ?? 0;
  if (owner.kind === 'file' && count >= rules.messages) {
    const reason = `${count} messages of this user wait already`;
    told.add({ event: 'waiting', id, uid: owner.uid, reason });
    return false;
  }
  const looked = lookAt(path, { disk, size: rules.size, scratch: () => world.scratch() });
  switch (looked.kind) {
    case 'gone':
    case 'busy':
      return false;
    case 'refused':
      told.add({ event: 'refused', id, ...looked });
      putAway(spool.folder, disk, { name: id, keep: looked.keep });
      return false;
    case 'file':
      try {
        waiting.set(looked.uid, (waiting.get(looked.uid) ?? 0) + 1);
        return await accept(taking, id, looked);
      } catch (error) {
        if (!(error instanceof Error) || isTrouble(error)) throw error;
        told.add({ event: 'refused', id, uid: looked.uid, reason: error.message });
        putAway(spool.folder, disk, { name: id, keep: true });
        return false;
      } finally {
        looked.source.close?.();
      }
  }
}

/** Ours, and not the file's: it will do on another day. */
const isTrouble = (error: Error): boolean =>
  error instanceof SpoolError || (codeOf(error) !== undefined && !codeOf(error)?.startsWith('ERR_'));

/** T1 to T5. */
async function accept(
  { spool, means, disk, commit }: Taking,
  id: string,
  { uid, inode, source }: Looked & { readonly kind: 'file' },
): Promise<boolean> {
  const { rules, world } = means;
  const drop = dropIn(spool.folder);
  const reading = parseDropHead(await startOf(source, MAX_DROP_HEAD), rules.domain);
  if ('fault' in reading) throw new Error(reading.fault);
  const { head, offset } = reading;
  if (source.size - offset > rules.size) throw new Error(`it is larger than ${rules.size} octets`);
  const { message, draft, accepted } = await rules.admit({ head, source: section(source, offset), uid });
  const taker = (head.gather ? means.gatherer : undefined) ?? spool;
  const entry = await taker.acceptAs(id, message, { ...draft, uid, held: true });
  if (entry === undefined) {
    const there = await spool.read(id);
    // Not what an earlier turn of ours has left.
    if (there?.uid !== uid || there.held !== true) {
      disk.rename(`${drop}/${id}`, `${drop}/${newQueueId(world.now())}`);
      return false;
    }
  }
  const taken = `${takenIn(spool.folder)}/${id}`;
  try {
    disk.rename(`${drop}/${id}`, taken);
  } catch (error) {
    // Its owner has taken it away, or put something else in its place, which stays where it is.
    if (ownerOf(disk, `${drop}/${id}`)?.inode === inode) throw error;
  }
  await commit();
  await release(spool, disk, id);
  accepted?.(id, message);
  return true;
}

/** T3 to T5; what somebody has claimed at this moment is released the next time. */
async function release(spool: Spool, disk: Disk, id: string): Promise<void> {
  const claim = await spool.claim(id);
  if (claim === undefined && (await spool.read(id)) !== undefined) return;
  try {
    if (claim?.entry.held === true) {
      const { held: _, ...entry } = claim.entry;
      await spool.replace(claim, entry);
    }
    takeAway(disk, `${takenIn(spool.folder)}/${id}`);
  } finally {
    await claim?.release();
  }
}
