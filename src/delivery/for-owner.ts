import type { Address } from '../mail/address.ts';
import type { Ending } from '../mail/ending.ts';
import { isRecord, jsonOf } from '../mail/json.ts';
import type { Source } from '../message/source.ts';
import type { ErrandAnswer, ErrandHead } from './as-owner.ts';
import { deliverLocally, type LocalWorld } from './local.ts';

/*
 * The user's part of a delivery that root's process has sent him for (`as-owner`): it reads where to and what, delivers
 * as anybody would into a folder of his own, and says what came of it. Where the input ends too early nothing is left.
 */

/** Octets: a path, two addresses and a header. */
const MOST = 64 * 1024 * 1024;

/** The line to answer with. @throws {Error} where the input is no errand */
export async function deliverForOwner(
  input: AsyncIterable<Buffer>,
  world: LocalWorld,
  signal: Ending,
): Promise<string> {
  const reader = readerOf(input);
  const head = headOf(await reader.line());
  const header = await reader.octets(head.header);
  const body: Source = { size: head.body, chunks: () => reader.rest(head.body) };
  const recipient = { address: head.recipient };
  const { kind, path, sender } = head;
  const letter = { message: { header, body }, envelope: { sender, recipients: [recipient] }, recipients: [recipient] };
  const [result] = await deliverLocally({ kind, path }, letter, world, signal);
  return `${JSON.stringify(answerOf(result))}\n`;
}

function answerOf(result: Awaited<ReturnType<typeof deliverLocally>>[number] | undefined): ErrandAnswer {
  if (result === undefined) throw new Error('Cannot deliver: a recipient has no result');
  if (result.outcome === 'delivered') return { delivered: (result.reply.lines[0] ?? '').replace(/^2\.0\.0 /, '') };
  const { permanent, status, text, advice } = result.failure;
  return { failure: { permanent, status, text, ...(advice === undefined ? {} : { advice }) } };
}

function headOf(line: string): ErrandHead {
  const value = jsonOf(line);
  if (isRecord(value)) {
    const { kind, path, sender, recipient, header, body } = value;
    const isKind = kind === 'maildir' || kind === 'mbox';
    const isSender = sender === null || isAddress(sender);
    if (isKind && typeof path === 'string' && path.startsWith('/') && isSender && isAddress(recipient)) {
      if (isCount(header) && header <= MOST && isCount(body)) return { kind, path, sender, recipient, header, body };
    }
  }
  throw new Error('Cannot deliver: the first line is no errand');
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isAddress = (value: unknown): value is Address =>
  isRecord(value) && typeof value.local === 'string' && typeof value.domain === 'string';

function readerOf(input: AsyncIterable<Buffer>) {
  const chunks = input[Symbol.asyncIterator]();
  let kept: Buffer = Buffer.of();
  /** False at the end. */
  async function more(): Promise<boolean> {
    const { value, done } = await chunks.next();
    if (done === true) return false;
    kept = kept.length === 0 ? value : Buffer.concat([kept, value]);
    return true;
  }
  async function octets(length: number): Promise<Buffer> {
    while (kept.length < length) if (!(await more())) throw new Error('Cannot deliver: the input ended too early');
    const piece = kept.subarray(0, length);
    kept = kept.subarray(length);
    return piece;
  }
  return {
    octets,
    async line(): Promise<string> {
      for (let end = kept.indexOf('\n'); ; end = kept.indexOf('\n')) {
        if (end >= 0) return (await octets(end + 1)).toString('utf8', 0, end);
        if (kept.length > MOST || !(await more())) throw new Error('Cannot deliver: the input ended too early');
      }
    },
    async *rest(length: number): AsyncGenerator<Buffer> {
      for (let left = length; left > 0; ) {
        const piece = await octets(kept.length > 0 ? Math.min(kept.length, left) : 0);
        left -= piece.length;
        if (piece.length > 0) yield piece;
        else if (!(await more())) throw new Error('the input ended too early');
      }
      if (kept.length > 0 || (await more())) throw new Error('the input has more than was said');
    },
  };
}
