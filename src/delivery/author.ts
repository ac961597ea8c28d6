import type { FromMode, Settings } from '../config/settings.ts';
import type { Address } from '../mail/address.ts';
import type { Envelope } from '../mail/envelope.ts';
import { headerBytes } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import type { FromRule } from '../message/rewrite.ts';
import { scanBytes } from '../message/scan.ts';
import { splitHead } from '../message/split.ts';

/*
 * Who a message is from where the settings of its way out say so (`from`): a relay that takes mail from one address only.
 * What is in the queue stays as it was handed in, so that a bounce reaches who wrote it, and each way may have its own.
 */

/** Who handed a message in. */
export interface Submitter {
  readonly uid: number;
  /** The login name, which has to be looked up. */
  user(): string;
  readonly host: string;
  /** Completes addresses without one. */
  readonly domain: string;
  /** The sender was named by the caller, and is not just who called. */
  readonly named: boolean;
  /** The address in From, where routes ask for it. */
  readonly author?: Address;
}

export interface Authored {
  readonly message: Message;
  readonly envelope: Envelope;
}

/** The message and its envelope as they leave by a way with these settings. A pattern that gives no address is an Error. */
export async function authored(
  letter: Authored,
  { from, fromMode }: Pick<Settings, 'from' | 'fromMode'>,
  submitter: Submitter,
): Promise<Authored> {
  // As nearly all mail.
  if (from === undefined) return letter;
  const rewrite = await import('../message/rewrite.ts');
  const rule = fromRule({ from, fromMode }, submitter, rewrite.readFrom);
  const { message, envelope } = letter;
  const sender = rewrite.rewriteSender({ sender: envelope.sender, asked: submitter.named }, rule);
  const { fields } = await splitHead(message.header.length, async (octets) => message.header.subarray(0, octets));
  const amended = rewrite.rewriteFrom(fields, rule, submitter.domain);
  if (amended === fields) return { message, envelope: { ...envelope, sender } };
  return { message: withHeader(message, headerBytes(amended)), envelope: { ...envelope, sender } };
}

/** Who a message without From is from, where nobody named its sender. */
export async function usualAuthor(
  { from, fromMode }: Pick<Settings, 'from' | 'fromMode'>,
  submitter: Submitter,
): Promise<Address | undefined> {
  if (from === undefined || submitter.named) return undefined;
  const { readFrom } = await import('../message/rewrite.ts');
  return fromRule({ from, fromMode }, submitter, readFrom).from;
}

type ReadFrom = typeof import('../message/rewrite.ts').readFrom;

function fromRule(
  { from, fromMode }: { readonly from: string; readonly fromMode: FromMode },
  submitter: Submitter,
  readFrom: ReadFrom,
): FromRule {
  const reading = readFrom({ pattern: from, user: submitter.user(), host: submitter.host, domain: submitter.domain });
  if ('address' in reading) return { from: reading.address, mode: fromMode };
  throw new Error(`Cannot use from ${JSON.stringify(from)}: ${reading.reason}`);
}

/** The facts of the body stay; the header's are found anew. */
function withHeader({ header: old, body, facts }: Message, header: Buffer): Message {
  const fresh = scanBytes(header);
  return {
    header,
    body,
    facts: {
      size: facts.size - scanBytes(old).size + fresh.size,
      eightBitHeader: fresh.eightBit,
      eightBitBody: facts.eightBitBody,
      longestLine: Math.max(facts.longestLine, fresh.longestLine),
      nul: facts.nul || fresh.nul,
    },
  };
}
