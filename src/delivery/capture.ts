import { formatAddress } from '../mail/address.ts';
import { createStuffer } from '../smtp/stuffing.ts';
import { type Letter, type LocalMeans, readable } from './letter.ts';
import { closeQuietly, makeFolder, refuseUnsafe, syncFolder } from './local-folders.ts';
import { attemptTo, interrupted } from './local-trouble.ts';

/*
 * Into a folder, for development: each message is a file `TIME-ID.eml` with the very bytes that a server would be sent,
 * CRLF and all, and nothing added; its envelope is `TIME-ID.json` beside it. The .eml appears last, and whole, so that
 * who waits for it finds both.
 */

/** Delivers to all recipients at once; says what the file is called. @throws {LocalTrouble} or the disk's error */
export async function capture(folder: string, letter: Letter, means: LocalMeans): Promise<string> {
  const { disk } = means;
  refuseUnsafe(disk, folder);
  await makeFolder(disk, folder);
  const time = means.now();
  const chance = Math.floor(means.random() * 2 ** 40)
    .toString(36)
    .padStart(8, '0');
  const name = `${new Date(time).toISOString().replaceAll(':', '').replace('.', '')}-${chance}`;
  const place = `${folder}/${name}`;
  const made: string[] = [];
  const write = async (path: string, fill: (descriptor: number) => void | Promise<void>): Promise<void> => {
    const descriptor = disk.open(path, 'create');
    made.push(path);
    try {
      await fill(descriptor);
      await disk.fsync(descriptor);
    } finally {
      closeQuietly(disk, descriptor);
    }
  };
  try {
    await write(`${place}.json`, (descriptor) => disk.write(descriptor, envelopeText(letter, time)));
    await write(`${place}.part`, (descriptor) => writeWire(letter, { means, descriptor }));
    disk.rename(`${place}.part`, `${place}.eml`);
    made.push(`${place}.eml`);
    await syncFolder(disk, folder);
  } catch (error) {
    for (const path of made) attemptTo(() => disk.unlink(path));
    throw error;
  }
  return `stored as ${name}.eml`;
}

async function writeWire(
  { message: { header, body } }: Letter,
  { means: { disk, signal }, descriptor }: { readonly means: LocalMeans; readonly descriptor: number },
): Promise<void> {
  const wire = createStuffer('plain');
  disk.write(descriptor, wire.push(header));
  for await (const chunk of readable(body.chunks())) {
    if (signal?.aborted === true) throw interrupted();
    disk.write(descriptor, wire.push(chunk));
  }
  disk.write(descriptor, wire.end());
}

function envelopeText({ envelope, recipients }: Letter, time: number): Buffer {
  const { sender, recipients: _, ...options } = envelope;
  const value = {
    time: new Date(time).toISOString(),
    sender: sender === null ? '' : formatAddress(sender),
    recipients: recipients.map(({ address, ...asked }) => ({ address: formatAddress(address), ...asked })),
    ...options,
  };
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
