import type { QueueEntry } from '../mail/entry.ts';
import type { Message } from '../message/message.ts';
import { type Claim, createClaims } from './claim.ts';
import { type Disk, systemDisk } from './disk.ts';
import type { Owner } from './owner.ts';
import { keepFailed, removeEntry, removeRest, replaceEntry } from './spool-change.ts';
import { limited } from './spool-commit.ts';
import { dropIn, openFolders, type Place } from './spool-folders.ts';
import { isQueueId } from './spool-id.ts';
import { readMessage, verifyMessage } from './spool-message.ts';
import { eachEntry, listEntries, moveAside, readEntry } from './spool-read.ts';
import { stampOf, watchAll } from './spool-signs.ts';
import { LEFTOVER_MS, type SweepReport, sweepSpool } from './spool-sweep.ts';
import { acceptMessage, acceptOnce, type EntryDraft, writing } from './spool-write.ts';

/*
 * The spool: a folder of our own where what was accepted is, until it is delivered, bounced or removed.
 *
 *   message/<id>        the bytes, as they will be sent; never rewritten
 *   entry/<id>.json     the entry (`entry-file.ts`); replaced as a whole
 *   claim/<id>          who works on it (`claim.ts`)
 *   tmp/                entries that are being written, or were removed
 *   failed/, damaged/   what is kept for a person: nobody could be told; not what was written
 *
 *   S1  -message -entry   nothing
 *   S2  +message -entry   being submitted or being removed; swept when nobody living has it
 *   S3  +message +entry   queued
 *
 * Each step is one operation that is done or not, in an order that passes through no other state: submit is S1 S2 S3,
 * remove is S3 S2 S1. The rename of the entry is the instant of acceptance. Before it, message and entry have reached the
 * disk, and so has the message's name; after it, the entry's name, and only then is the caller told. An operation that
 * fails is undone and told as a SpoolError; an fsync that failed is never tried again.
 *
 * Any number of processes may work one spool. Reading needs no claim; whoever changes an entry claims it first.
 */

export interface SpoolOptions {
  /** An absolute path; made at need. */
  readonly folder: string;
  readonly fsync: boolean;
  /** Who we are (`currentOwner`). */
  readonly process: Owner;
  /** Milliseconds since 1970. */
  now(): number;
  /** 0 <= x < 1, for ids; without it they can't be guessed. */
  readonly random?: () => number;
  /** Called for each entry that can't be used, once. */
  readonly onDamage?: (damage: Damage) => void;
  readonly disk?: Disk;
}

export interface Damage {
  readonly id: string;
  /** `damaged`: moved to `damaged/`. `version`: kept where it is, for the program that understands it. */
  readonly kind: 'damaged' | 'version';
  /** To stand behind a colon. */
  readonly reason: string;
}

/** A claim of an entry, which was read after it was claimed. */
export interface EntryClaim extends Claim {
  readonly entry: QueueEntry;
}

/** All methods throw `SpoolError`. An id that is none is that of an entry that is gone. */
export interface Spool {
  readonly folder: string;
  /** Durable when it resolves. Also throws what the message's source throws. */
  accept(message: Message, draft: EntryDraft): Promise<QueueEntry>;
  /** As `accept`, by this id; undefined where an entry has it already, or a living owner. */
  acceptAs(id: string, message: Message, draft: EntryDraft): Promise<QueueEntry | undefined>;
  /** Oldest first. */
  ids(): Promise<readonly string[]>;
  /** All entries, oldest first, read when they are asked for. */
  entries(): AsyncIterable<QueueEntry>;
  /** Undefined: it is gone, or can't be used (`onDamage`). */
  read(id: string): Promise<QueueEntry | undefined>;
  /** Close its body where it has a `close`. @throws {DamageError} where it is not what was written: `setAside` it */
  message(entry: QueueEntry): Promise<Message>;
  /** Reads all of the message, however large, and throws as `message` does. */
  verify(entry: QueueEntry): Promise<void>;
  /** Undefined: a living owner has it, or it is gone. Look again later: it may have been accepted just now. */
  claim(id: string): Promise<EntryClaim | undefined>;
  /** Durable when it resolves. An entry that is gone does not come back. */
  replace(claim: Claim, entry: QueueEntry): Promise<void>;
  /** The entry, durably when it resolves; then the message, which is gone when the claim is given back. */
  remove(claim: Claim): Promise<void>;
  /** Moves entry and message to `failed/`. */
  fail(claim: Claim, entry: QueueEntry): Promise<void>;
  /** Moves entry and message to `damaged/`, and reports it. */
  setAside(claim: Claim, reason: string): Promise<void>;
  /** Takes away leftovers of crashes that are older than this, by default one hour. */
  sweep(olderMs?: number): Promise<SweepReport>;
  /** A lock of this name, 1 to 40 letters, digits and hyphens; undefined where a living owner has it. */
  acquire(name: string): Promise<Claim | undefined>;
  /** Whether a living owner has the lock of this name, by looking alone. */
  isAcquired(name: string): Promise<boolean>;
  /** Another text after entries came, changed or went, or files in the drop, unless that was in the same tick of the disk's clock. */
  stamp(): Promise<string>;
  /** Calls back after the same, until it is closed. */
  watch(changed: () => void): { close(): void };
}

// Each holds two descriptors at most; more of them at once were not faster.
const MOST_WRITES = 64;
// 2 ms of work between two turns of the event loop.
const READ_BATCH = 100;

/** Opens the spool and makes it at need. @throws {SpoolError} */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { folder, fsync, now, random, disk = systemDisk } = options;
  const place: Place = { disk, folder, fsync };
  const hasDrop = await openFolders(place);
  const owned = { disk, folder: `${folder}/claim`, process: options.process, now };
  const claims = createClaims(random === undefined ? owned : { ...owned, random });
  const room = writing({ ...place, claims, now, ...(random === undefined ? {} : { random }) });
  const inTurn = limited(MOST_WRITES);
  const reported = new Set<string>();
  const open = new Map<Claim, 'open' | 'removed'>();
  /** Messages that are being deleted: their claims wait for that, and nobody else does. */
  const leaving = new Map<Claim, Promise<void>>();

  function report(damage: Damage): void {
    if (reported.has(damage.id)) return;
    reported.add(damage.id);
    options.onDamage?.(damage);
  }

  /** The entry where it can be used. What is damaged is moved only under its claim: it may just be replaced. */
  function usable(id: string, claimed: 'claimed' | 'unclaimed'): QueueEntry | undefined {
    const found = readEntry(place, id);
    if (found.kind === 'entry') return found.entry;
    if (found.kind === 'gone') return undefined;
    if (found.kind === 'damaged') {
      if (claimed === 'unclaimed') return underClaim(id);
      moveAside(place, id);
    }
    report({ id, kind: found.kind, reason: found.reason });
    return undefined;
  }

  function underClaim(id: string): QueueEntry | undefined {
    const claim = claims.take(id);
    if (claim === undefined) return undefined;
    try {
      return usable(id, 'claimed');
    } finally {
      claims.drop(id, claim);
    }
  }

  function claimOf(id: string, name: string, token: number): Claim {
    const claim: Claim = {
      id,
      async release() {
        if (!open.delete(claim)) return;
        await leaving.get(claim);
        leaving.delete(claim);
        claims.drop(name, token);
      },
    };
    open.set(claim, 'open');
    return claim;
  }

  function check(claim: Claim, entry?: QueueEntry): boolean {
    const state = open.get(claim);
    if (state === undefined) throw new TypeError(`Cannot change entry ${claim.id}: its claim was released`);
    if (entry !== undefined && entry.id !== claim.id)
      throw new TypeError(`Cannot change entry ${entry.id}: not claimed`);
    return state === 'open';
  }

  async function removeBoth(claim: Claim): Promise<void> {
    await removeEntry(room, claim.id);
    open.set(claim, 'removed');
    leaving.set(claim, removeRest(room, claim.id));
  }

  const changing = [`${folder}/entry`, ...(hasDrop ? [dropIn(folder)] : [])];
  const messagePath = (id: string): string => `${folder}/message/${id}`;

  return {
    folder,
    accept: (message, draft) => inTurn(() => acceptMessage(room, message, draft)),
    acceptAs: (id, message, draft) => inTurn(() => acceptOnce(room, { id, message, draft })),
    ids: async () => listEntries(place),
    entries: () => eachEntry(listEntries(place), READ_BATCH, (id) => usable(id, 'unclaimed')),
    read: async (id) => (isQueueId(id) ? usable(id, 'unclaimed') : undefined),
    message: async (entry) => readMessage(disk, messagePath(entry.id), entry),
    verify: (entry) => verifyMessage(disk, messagePath(entry.id), entry),
    async claim(id) {
      if (!isQueueId(id)) return undefined;
      const token = claims.take(id);
      if (token === undefined) return undefined;
      let entry: QueueEntry | undefined;
      try {
        entry = usable(id, 'claimed');
      } finally {
        if (entry === undefined) claims.drop(id, token);
      }
      return entry === undefined ? undefined : Object.assign(claimOf(id, id, token), { entry });
    },
    async replace(claim, entry) {
      if (check(claim, entry)) await inTurn(() => replaceEntry(room, entry));
    },
    async remove(claim) {
      if (check(claim)) await removeBoth(claim);
    },
    async fail(claim, entry) {
      if (!check(claim, entry)) return;
      await inTurn(() => keepFailed(room, entry));
      await removeBoth(claim);
    },
    async setAside(claim, reason) {
      if (!check(claim)) return;
      moveAside(place, claim.id);
      open.set(claim, 'removed');
      report({ id: claim.id, kind: 'damaged', reason });
    },
    sweep: async (older = LEFTOVER_MS) => sweepSpool({ ...place, claims, now, older }),
    async acquire(name) {
      const locked = lockOf(name);
      const token = claims.take(locked);
      return token === undefined ? undefined : claimOf(name, locked, token);
    },
    isAcquired: async (name) => claims.isTaken(lockOf(name)),
    stamp: async () => stampOf(disk, changing),
    watch: (changed) => watchAll(disk, changing, changed),
  };
}

function lockOf(name: string): string {
  if (!/^[0-9A-Za-z-]{1,40}$/.test(name)) throw new TypeError(`Cannot acquire ${JSON.stringify(name)}: no name`);
  return `lock.${name}`;
}
