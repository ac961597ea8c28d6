import { formatAddress, formatPath } from '../mail/address.ts';
import type { Ending } from '../mail/ending.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { Message } from '../message/message.ts';
import type { World } from '../world.ts';
import { createDiskForm } from './disk-form.ts';
import type { LocalDisk } from './local-disk.ts';
import { interrupted, unreadable } from './local-trouble.ts';

/** What is delivered, and for whom. */
export interface Letter {
  readonly message: Pick<Message, 'header' | 'body'>;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
}

/** What one delivery works with. */
export interface LocalMeans extends Pick<World, 'now' | 'random' | 'sleep'> {
  readonly disk: LocalDisk;
  readonly signal: Ending | undefined;
}

/** The lines that only the last one who delivers knows (RFC 5321, section 4.4), with LF. */
export const topLines = ({ sender }: Envelope, { address }: Recipient): Buffer =>
  Buffer.from(`Return-Path: ${formatPath(sender)}\nDelivered-To: ${formatAddress(address)}\n`);

/**
 * Writes a message in its form for disks, chunk by chunk; `written` is told after each.
 * @throws {LocalTrouble} where the message can't be read, or the signal is aborted; else the disk's error
 */
export async function writeMessage(
  { header, body }: Letter['message'],
  form: 'plain' | 'mboxrd',
  { means, descriptor, written }: { means: LocalMeans; descriptor: number; written?: () => void },
): Promise<void> {
  const { push, end } = createDiskForm(form);
  const { disk, signal } = means;
  disk.write(descriptor, push(header));
  for await (const chunk of readable(body.chunks())) {
    if (signal?.aborted === true) throw interrupted();
    disk.write(descriptor, push(chunk));
    written?.();
  }
  disk.write(descriptor, end());
}

/** The chunks, with the errors of reading told from those of writing. */
export async function* readable(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreadable(error);
  }
}

let names = 0;

/** A part of a name that no other delivery of this process has, and chance for those of others. */
export function uniqueName({ disk, now }: LocalMeans): string {
  const time = now();
  const seconds = Math.floor(time / 1000);
  const microseconds = Math.floor((time % 1000) * 1000);
  names += 1;
  // A slash would end the name, and a colon begins its flags.
  const host = disk.hostname.slice(0, 100).replaceAll('/', '\\057').replaceAll(':', '\\072');
  return `${seconds}.M${microseconds}P${disk.pid}Q${names}.${host}`;
}
