import { ENTRY_VERSION, type QueueEntry } from '../mail/entry.ts';
import type { Message } from '../message/message.ts';
import type { Claims } from './claim.ts';
import { codeOf, unlessMissing } from './disk.ts';
import { serializeEntry } from './entry-file.ts';
import { shared } from './spool-commit.ts';
import { SpoolError, spoolError } from './spool-error.ts';
import { type Place, syncFolder } from './spool-folders.ts';
import { chance, newQueueId } from './spool-id.ts';
import { type Written, writeMessage } from './spool-message.ts';

/** An entry as who hands it in knows it. */
export type EntryDraft = Omit<QueueEntry, 'version' | 'id' | 'message'> & { readonly messageId?: string };

export interface Writing extends Place {
  readonly claims: Claims;
  now(): number;
  readonly random?: () => number;
  /** Brings the names of messages to the disk, together with all others who want it (`spool-commit.ts`). */
  readonly commitMessages: () => Promise<void>;
  /** Those of entries, likewise. */
  readonly commitEntries: () => Promise<void>;
}

/** Adds the shared fsyncs of the folders; without fsync they are nothing. */
export function writing(parts: Omit<Writing, 'commitMessages' | 'commitEntries'>): Writing {
  const { disk, folder, fsync } = parts;
  const committing = (name: string) => (fsync ? shared(() => syncFolder(disk, `${folder}/${name}`)) : async () => {});
  return { ...parts, commitMessages: committing('message'), commitEntries: committing('entry') };
}

// With 31 bits of chance and the milliseconds one collision is not seen in a lifetime.
const MOST_COLLISIONS = 10;

/**
 * Puts a message into the spool; it is durable when this resolves. From before the message file is there until the entry
 * is, the id is claimed, so that a sweep never takes the one for a leftover. Where anything fails, both files are taken
 * away again: the caller still has the message.
 */
export async function acceptMessage(room: Writing, message: Message, draft: EntryDraft): Promise<QueueEntry> {
  for (let turn = 0; turn < MOST_COLLISIONS; turn++) {
    const id = newQueueId(room.now(), room.random);
    const claim = room.claims.take(id);
    if (claim === undefined) continue;
    try {
      return await store(room, { id, message, draft, release: () => room.claims.drop(id, claim) });
    } catch (error) {
      if (error !== COLLISION) throw spoolError('accept message', room.folder, error);
    } finally {
      room.claims.drop(id, claim);
    }
  }
  throw new SpoolError('Cannot accept message: no free id was found', 75);
}

/**
 * Puts a message in by this id, once: undefined where there is an entry with it, or a living owner works on it. What a
 * crash has left of an earlier turn is written again.
 */
export async function acceptOnce(
  room: Writing,
  { id, message, draft }: Omit<Submission, 'release'>,
): Promise<QueueEntry | undefined> {
  const { disk, folder, claims } = room;
  const claim = claims.take(id);
  if (claim === undefined) return undefined;
  try {
    if (hasEntry(room, id)) return undefined;
    unlessMissing(() => disk.unlink(`${folder}/message/${id}`));
    return await store(room, { id, message, draft, release: () => claims.drop(id, claim) });
  } catch (error) {
    throw spoolError('accept message', folder, error);
  } finally {
    claims.drop(id, claim);
  }
}

const COLLISION = new Error('Cannot accept message: its id is taken');

interface Submission {
  readonly id: string;
  readonly message: Message;
  readonly draft: EntryDraft;
  release(): void;
}

async function store(room: Writing, { id, message, draft, release }: Submission): Promise<QueueEntry> {
  const { disk, folder } = room;
  const path = `${folder}/message/${id}`;
  const target = entryPath(folder, id);
  const files = newFiles(room);
  try {
    const messageFile = files.create(path);
    const written = await writeMessage(disk, messageFile, message);
    const entry = entryOf(id, draft, { written, message });
    const aside = asidePath(room, id);
    disk.write(files.create(aside), serializeEntry(entry));
    await files.finish(room.commitMessages);
    files.rename(aside, target);
    // Durable or not, the entry is whole now, and who takes it and delivers it does no wrong.
    release();
    await room.commitEntries();
    return entry;
  } catch (error) {
    files.discard();
    if (codeOf(error) === 'EEXIST') throw COLLISION;
    throw error;
  }
}

function entryOf(id: string, draft: EntryDraft, { written, message }: { written: Written; message: Message }) {
  const { messageId, ...rest } = draft;
  const { headerSize, size, digest } = written;
  const entry: QueueEntry = {
    version: ENTRY_VERSION,
    id,
    ...rest,
    message: {
      headerSize,
      digest,
      ...(messageId === undefined ? {} : { messageId }),
      facts: { ...message.facts, size },
    },
  };
  return entry;
}

/** Writes an entry aside, and has `place` called with the path: it moves the file, or returns false. */
export async function writeEntry(
  room: Writing,
  entry: QueueEntry,
  place: (aside: string) => Promise<boolean>,
): Promise<void> {
  const files = newFiles(room);
  try {
    const aside = asidePath(room, entry.id);
    room.disk.write(files.create(aside), serializeEntry(entry));
    await files.finish();
    if (!(await place(aside))) files.discard();
  } catch (error) {
    files.discard();
    throw error;
  }
}

/** The file of an entry. */
export const entryPath = (folder: string, id: string): string => `${folder}/entry/${id}.json`;

/** Whether the entry is there, readable or not. @throws {Error} the system's */
export const hasEntry = ({ disk, folder }: Place, id: string): boolean =>
  unlessMissing(() => disk.lstat(entryPath(folder, id))) !== undefined;

const asidePath = ({ folder, random }: Writing, id: string): string => `${folder}/tmp/${id}.${chance(6, random)}`;

/** Files that are being made: all of them become durable, or none stays. */
function newFiles({ disk, fsync }: Writing) {
  const descriptors = new Set<number>();
  const paths = new Set<string>();
  return {
    create(path: string): number {
      const descriptor = disk.open(path, 'create');
      paths.add(path);
      descriptors.add(descriptor);
      return descriptor;
    },
    /**
     * Brings the files, and what `commit` stands for, to the disk at the same time, then closes them. All are waited for,
     * whichever fails: a descriptor must not be closed under an fsync. None is tried again: the system forgets what it
     * could not write and would say that all is well.
     */
    async finish(commit: () => Promise<void> = async () => {}): Promise<void> {
      if (fsync) {
        const ends = await Promise.allSettled([...[...descriptors].map((one) => disk.fsync(one)), commit()]);
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
      }
      for (const descriptor of descriptors) {
        // Whatever close says, the descriptor is gone.
        descriptors.delete(descriptor);
        disk.close(descriptor);
      }
    },
    rename(from: string, to: string): void {
      disk.rename(from, to);
      paths.delete(from);
      paths.add(to);
    },
    /** Takes away what was made, the last first: no entry without its message. */
    discard(): void {
      for (const descriptor of descriptors) quietly(() => disk.close(descriptor));
      descriptors.clear();
      for (const path of [...paths].reverse()) quietly(() => disk.unlink(path));
    },
  };
}

/** For what is tidied up after a failure, which is the one to be told. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The sweep does it later.
  }
}
