import { createHash, hash } from 'node:crypto';
import type { QueueEntry } from '../mail/entry.ts';
import { fileSource } from '../message/file-source.ts';
import type { Message } from '../message/message.ts';
import { memorySource } from '../message/source.ts';
import { createStuffer } from '../smtp/stuffing.ts';
import { closeRead, codeOf, type Disk } from './disk.ts';
import { DamageError, spoolError } from './spool-error.ts';

/** What is no larger is read as a whole, held against its digest, and leaves no descriptor open. */
export const IN_MEMORY = 1_048_576;

export interface Written {
  /** Octets of the header with the blank line. */
  readonly headerSize: number;
  /** Octets of all. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** Writes the bytes as they will be sent, without dot-stuffing. @throws what the disk or the message's source throws */
export async function writeMessage(disk: Disk, descriptor: number, message: Message): Promise<Written> {
  const stuffer = createStuffer('plain');
  const hash = createHash('sha256');
  let size = 0;
  const put = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    hash.update(bytes);
    disk.write(descriptor, bytes);
    size += bytes.length;
  };
  const header = stuffer.push(message.header);
  const { bytes } = message.body;
  if (bytes !== undefined && bytes.length <= IN_MEMORY) {
    // One write for nearly all mail.
    put(Buffer.concat([header, stuffer.push(bytes), stuffer.end()]));
  } else {
    put(header);
    for await (const chunk of message.body.chunks()) put(stuffer.push(chunk));
    put(stuffer.end());
  }
  return { headerSize: header.length, size, digest: hash.digest('hex') };
}

/**
 * The message of an entry. Its body's `close` must be called where there is one.
 * @throws {DamageError} where the file is gone, or not what was written
 * @throws {SpoolError} where it can't be read
 */
export function readMessage(disk: Disk, path: string, entry: QueueEntry): Message {
  const { facts, headerSize } = entry.message;
  const descriptor = openMessage(disk, path, entry);
  let kept = false;
  try {
    if (facts.size > IN_MEMORY) {
      const header = disk.read(descriptor, headerSize);
      const body = fileSource({ descriptor, offset: headerSize, size: facts.size - headerSize });
      kept = true;
      return { header, body, facts };
    }
    const bytes = disk.read(descriptor, facts.size);
    if (hash('sha256', bytes) !== entry.message.digest) throw damaged(entry, 'was changed');
    return { header: bytes.subarray(0, headerSize), body: memorySource(bytes.subarray(headerSize)), facts };
  } catch (error) {
    throw spoolError('read message', path, error);
  } finally {
    if (!kept) closeRead(disk, descriptor);
  }
}

/** Holds the whole file, whatever its size, against its digest. @throws {DamageError} @throws {SpoolError} */
export async function verifyMessage(disk: Disk, path: string, entry: QueueEntry): Promise<void> {
  const { header, body } = readMessage(disk, path, entry);
  if (body.bytes !== undefined) return;
  try {
    const hash = createHash('sha256').update(header);
    for await (const chunk of body.chunks()) hash.update(chunk);
    if (hash.digest('hex') !== entry.message.digest) throw damaged(entry, 'was changed');
  } catch (error) {
    throw spoolError('read message', path, error);
  } finally {
    body.close?.();
  }
}

function openMessage(disk: Disk, path: string, entry: QueueEntry): number {
  const { facts, headerSize } = entry.message;
  let descriptor: number;
  try {
    descriptor = disk.open(path, 'read');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw damaged(entry, 'is missing');
    if (codeOf(error) === 'ELOOP') throw damaged(entry, 'is a symbolic link');
    throw spoolError('read message', path, error);
  }
  try {
    const { kind, size } = disk.fstat(descriptor);
    if (kind !== 'file') throw damaged(entry, 'is no file');
    if (size !== facts.size || headerSize > size) throw damaged(entry, `has ${size} octets instead of ${facts.size}`);
    return descriptor;
  } catch (error) {
    closeRead(disk, descriptor);
    throw spoolError('read message', path, error);
  }
}

const damaged = (entry: QueueEntry, what: string): DamageError =>
  new DamageError(`Cannot read message ${entry.id}: its file ${what}`, 75);
