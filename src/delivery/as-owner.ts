import type { LocalTarget } from '../config/via.ts';
import type { Address } from '../mail/address.ts';
import type { Ending } from '../mail/ending.ts';
import { isRecord, jsonOf } from '../mail/json.ts';
import { escapeControls } from '../mail/printable.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import type { Becoming } from '../world.ts';
import { INTERRUPTED } from './failures.ts';
import { type Letter, readable } from './letter.ts';
import { done, resultOf } from './local.ts';
import { failureOf, notNow } from './local-trouble.ts';
import { sendFor } from './owner-process.ts';

/*
 * Root's part of a delivery into a folder that is a user's: a process of that user's does it (`for-owner`), with no right
 * that the user has not, so that no link of his leads root astray. It reads
 *
 *   {"kind":"maildir","path":"/home/ann/Maildir","sender":{…},"recipient":{…},"header":210,"body":4711}
 *   the header's octets, the body's octets
 *
 * and answers with one line, `{"delivered":"stored as …"}` or `{"failure":{…}}`. The user could have his process say
 * anything, which is for himself alone to be sorry for; nothing of it is believed but its form.
 */
export interface ErrandHead {
  readonly kind: 'maildir' | 'mbox';
  readonly path: string;
  readonly sender: Address | null;
  readonly recipient: Address;
  /** Octets. */
  readonly header: number;
  readonly body: number;
}

export type ErrandAnswer =
  | { readonly delivered: string }
  | { readonly failure: Pick<Failure, 'permanent' | 'status' | 'text' | 'advice'> };

export interface OwnerDelivery {
  readonly target: Extract<LocalTarget, { path: string }>;
  /** To one recipient. */
  readonly letter: Letter;
  readonly becoming: Becoming;
}

/** Delivers to the letter's recipients in turn. Rejects for a bug only. */
export async function deliverAsOwner(
  { target, letter, becoming }: OwnerDelivery,
  signal?: Ending,
): Promise<readonly DeliveryResult[]> {
  const results: DeliveryResult[] = [];
  for (const recipient of letter.recipients) {
    const { header, body } = letter.message;
    const { kind, path } = target;
    const whom = { sender: letter.envelope.sender, recipient: recipient.address };
    const head: ErrandHead = { kind, path, ...whom, header: header.length, body: body.size };
    const answer = await sendFor(becoming, { pieces: pieces(head, letter), signal });
    const host = { scope: 'host', stage: 'body', host: `${kind}:${path}` } as const;
    const without = (reason: string): Failure =>
      notNow(path, `is for a process of user id ${becoming.uid}: ${reason}`, '4.3.0').failure;
    const read = 'line' in answer ? readAnswer(answer.line) : undefined;
    if (read !== undefined && 'delivered' in read) results.push(resultOf(recipient, done(target, read.delivered)));
    else if (signal?.aborted === true) results.push(resultOf(recipient, INTERRUPTED));
    else if (read !== undefined) results.push(resultOf(recipient, { ...host, ...read.failure }));
    else if ('error' in answer) results.push(resultOf(recipient, troubleOf(answer.error)));
    else results.push(resultOf(recipient, without('reason' in answer ? answer.reason : 'it gave no answer')));
  }
  return results;
}

async function* pieces(head: ErrandHead, { message: { header, body } }: Letter): AsyncGenerator<Buffer> {
  yield Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), header]);
  yield* readable(body.chunks());
}

function troubleOf(error: unknown): Failure {
  const failure = failureOf(error);
  if (failure === undefined) throw error;
  return failure;
}

const LONGEST_TEXT = 500;

/** Undefined where it has another form. */
function readAnswer(line: string): ErrandAnswer | undefined {
  const value = jsonOf(line);
  if (!isRecord(value)) return undefined;
  const clean = (text: string): string => escapeControls(text.slice(0, LONGEST_TEXT));
  if (typeof value.delivered === 'string') return { delivered: clean(value.delivered) };
  if (!isRecord(value.failure)) return undefined;
  const { permanent, status, text, advice } = value.failure;
  if (typeof permanent !== 'boolean' || typeof status !== 'string' || typeof text !== 'string') return undefined;
  if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(status)) return undefined;
  const more = typeof advice === 'string' ? { advice: clean(advice) } : {};
  return { failure: { permanent, status, text: clean(text), ...more } };
}
