import { dirname } from 'node:path';
import { formatAddress } from '../mail/address.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import { takeDotlock } from './dotlock.ts';
import { type Letter, type LocalMeans, topLines, writeMessage } from './letter.ts';
import { closeQuietly, makeFolder, refuseUnsafe, syncFolder } from './local-folders.ts';
import { attemptTo, misplaced, unlessMissing } from './local-trouble.ts';

/*
 * To the end of an mbox, in the form that is called mboxrd, behind a dotlock. Where the message can't be written to its
 * end, the file is cut back to what it was; a process that is killed in the middle can't do that, and leaves a part.
 */

/** Delivers one copy; says so. @throws {LocalTrouble} or the disk's error */
export async function deliverToMbox(
  path: string,
  { letter, recipient }: { readonly letter: Letter; readonly recipient: Recipient },
  means: LocalMeans,
): Promise<string> {
  const { disk } = means;
  refuseUnsafe(disk, path);
  await makeFolder(disk, dirname(path));
  const kind = unlessMissing(() => disk.lstat(path))?.kind;
  if (kind !== undefined && kind !== 'file') throw misplaced(path, 'is no regular file');
  const lock = await takeDotlock(path, means);
  try {
    const descriptor = disk.open(path, 'append');
    try {
      // Before there is a message in it, which would come twice where this fails.
      if (kind === undefined) await syncFolder(disk, dirname(path));
      await append(descriptor, { path, letter, recipient }, { ...means, written: lock.touch });
    } finally {
      closeQuietly(disk, descriptor);
    }
  } finally {
    lock.release();
  }
  return 'appended to the mbox';
}

interface Copy {
  readonly path: string;
  readonly letter: Letter;
  readonly recipient: Recipient;
}

async function append(
  descriptor: number,
  { path, letter, recipient }: Copy,
  means: LocalMeans & { readonly written: () => void },
): Promise<void> {
  const { disk, written } = means;
  const { kind, size, links } = disk.fstat(descriptor);
  if (kind !== 'file') throw misplaced(path, 'is no regular file');
  if (links !== 1) throw misplaced(path, 'has more names than one');
  const end = disk.readAt(descriptor, Math.max(0, size - 2), 2).toString('latin1');
  const gap = size === 0 || end === '\n\n' ? '' : end.endsWith('\n') ? '\n' : '\n\n';
  try {
    disk.write(descriptor, Buffer.from(`${gap}${fromLine(letter.envelope, means.now())}`));
    disk.write(descriptor, topLines(letter.envelope, recipient));
    await writeMessage(letter.message, 'mboxrd', { means, descriptor, written });
    disk.write(descriptor, Buffer.from('\n'));
    await disk.fsync(descriptor);
  } catch (error) {
    attemptTo(() => disk.truncate(descriptor, size));
    throw error;
  }
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `From sender Mon Nov  2 10:00:00 2026` in UTC, as asctime(3) writes it: programs know the line by that. */
function fromLine({ sender }: Envelope, now: number): string {
  const date = new Date(now);
  const name = sender === null ? 'MAILER-DAEMON' : formatAddress(sender).replace(/[\s\p{Cc}]/gu, '-');
  const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  return `From ${name} ${day} ${date.toISOString().slice(11, 19)} ${date.getUTCFullYear()}\n`;
}
