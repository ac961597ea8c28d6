import type { Recipient } from '../mail/envelope.ts';
import { type Letter, type LocalMeans, topLines, uniqueName, writeMessage } from './letter.ts';
import { closeQuietly, makeFolder, refuseUnsafe, syncFolder } from './local-folders.ts';
import { attemptTo, codeOf } from './local-trouble.ts';

/*
 * Into a Maildir, by the rules of cr.yp.to/proto/maildir.html: the message is written to a name of its own in `tmp`,
 * fsynced, and linked into `new`, where readers find it whole or not at all. A crash leaves a file in `tmp` at most,
 * which readers take away when it is 36 hours old.
 */

/** Delivers one copy; says what its file is called. @throws {LocalTrouble} or the disk's error */
export async function deliverToMaildir(
  path: string,
  { letter, recipient }: { readonly letter: Letter; readonly recipient: Recipient },
  means: LocalMeans,
): Promise<string> {
  const { disk } = means;
  refuseUnsafe(disk, path);
  for (const folder of ['tmp', 'new', 'cur']) {
    refuseUnsafe(disk, `${path}/${folder}`);
    await makeFolder(disk, `${path}/${folder}`);
  }
  const name = uniqueName(means);
  const draft = `${path}/tmp/${name}`;
  const place = `${path}/new/${name}`;
  const descriptor = disk.open(draft, 'create');
  try {
    try {
      disk.write(descriptor, topLines(letter.envelope, recipient));
      await writeMessage(letter.message, 'plain', { means, descriptor });
      await disk.fsync(descriptor);
    } finally {
      closeQuietly(disk, descriptor);
    }
    publish(means, draft, place);
  } catch (error) {
    attemptTo(() => disk.unlink(draft));
    throw error;
  }
  try {
    await syncFolder(disk, `${path}/new`);
  } catch (error) {
    // It will come again, and should not come twice.
    attemptTo(() => disk.unlink(place));
    throw error;
  }
  return `stored as ${name}`;
}

/** A link fails where the name is taken; disks without links have the rename. */
function publish({ disk }: LocalMeans, draft: string, path: string): void {
  try {
    disk.link(draft, path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error;
    disk.rename(draft, path);
    return;
  }
  attemptTo(() => disk.unlink(draft));
}
