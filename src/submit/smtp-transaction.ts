/*
 * One message of a session: its recipients, its content by DATA or by BDAT, and what became of it. Octets go on as they
 * come; one that grows too large is thrown away, read to its end and refused.
 */
import type { NamedRecipient } from '../config/aliases.ts';
import { type Address, addressKey, needsUtf8 } from '../mail/address.ts';
import { ANSWERS, type Answer, formatAnswer } from './smtp-answer.ts';
import type { Command } from './smtp-command.ts';
import { createContentReader, type Input, type LineEnd, readMore } from './smtp-input.ts';
import type { MailParameters } from './smtp-parameters.ts';
import type { Dialogue, Over, SessionStep, Verdict } from './smtp-step.ts';

/** RFC 5321, section 4.5.3.1.8 asks for 100; a client sends the rest in a second transaction. */
export const MAX_RECIPIENTS = 1000;

export interface SessionOptions {
  /** Our name in the greeting. */
  readonly hostname: string;
  /** What addresses without a domain get. */
  readonly domain: string;
  /** Octets of the largest message; 0 is no limit. */
  readonly maxSize: number;
  /** Each recipient is asked about at RCPT. */
  readonly verify: boolean;
}

export interface Transaction {
  readonly sender: Address | null;
  readonly parameters: MailParameters;
  readonly recipients: Map<string, NamedRecipient>;
  /** Octets so far. */
  size: number;
  /** BDAT came: neither RCPT nor DATA may follow. */
  chunks: boolean;
}

export interface State {
  readonly options: SessionOptions;
  readonly input: Input;
  transaction: Transaction | undefined;
  accepted: number;
}

export type Outcome = Answer | Over;

/** One reply. */
export function* reply(answer: Answer): Dialogue<void> {
  yield { kind: 'reply', text: formatAnswer(answer) };
}

/** Ends the transaction, if there is one (RFC 5321, section 4.1.1.5). */
export function* clear(state: State): Dialogue<void> {
  if (state.transaction !== undefined) yield { kind: 'discard' };
  state.transaction = undefined;
}

export function* rcpt({ options, transaction }: State, command: Command & { verb: 'RCPT' }): Dialogue<Answer> {
  const { address, unqualified, parameters } = command;
  if (transaction === undefined) return ANSWERS.noSender;
  if (transaction.chunks) return ANSWERS.inChunks;
  if (needsUtf8(address) && !transaction.parameters.smtpUtf8) return ANSWERS.needsUtf8;
  const accepted: Answer = { ...ANSWERS.ok, status: '2.1.5' };
  const key = addressKey(address);
  if (transaction.recipients.has(key)) return accepted;
  if (transaction.recipients.size === MAX_RECIPIENTS) return ANSWERS.tooManyRecipients;
  const recipient: NamedRecipient = { address, ...parameters, ...(unqualified ? { unqualified } : {}) };
  if (options.verify) {
    const refusal = refusalOf(yield* ask({ kind: 'verify', recipient, sender: transaction.sender }), {
      permanent: 550,
      temporary: 450,
      status: '1.0',
    });
    if (refusal !== undefined) return refusal;
  }
  transaction.recipients.set(key, recipient);
  return accepted;
}

/** DATA, up to the end of the message. */
export function* content(state: State, lineEnd: LineEnd): Dialogue<Outcome> {
  const { input, transaction } = state;
  if (transaction === undefined) return ANSWERS.noSender;
  if (transaction.chunks) return ANSWERS.inChunks;
  if (transaction.recipients.size === 0) return ANSWERS.noRecipient;
  yield* reply(ANSWERS.start);
  const reader = createContentReader(lineEnd);
  for (;;) {
    if (input.unread.length === 0) {
      const over = yield* readMore(input);
      if (over !== undefined) return over;
    }
    const { bytes, rest } = reader.push(input.unread);
    input.unread = rest ?? Buffer.alloc(0);
    yield* keep(state, transaction, bytes);
    if (rest !== undefined) return yield* finish(state, transaction);
  }
}

/** BDAT (RFC 3030): its octets are read whether they are wanted or not. */
export function* chunk(state: State, { size, last }: Command & { verb: 'BDAT' }): Dialogue<Outcome> {
  const { input, transaction } = state;
  const wanted = transaction !== undefined && transaction.recipients.size > 0 ? transaction : undefined;
  if (wanted !== undefined) wanted.chunks = true;
  for (let left = size; left > 0; ) {
    if (input.unread.length === 0) {
      const over = yield* readMore(input);
      if (over !== undefined) return over;
    }
    const bytes = input.unread.subarray(0, left);
    input.unread = input.unread.subarray(bytes.length);
    left -= bytes.length;
    if (wanted !== undefined) yield* keep(state, wanted, bytes);
  }
  if (wanted === undefined) return transaction === undefined ? ANSWERS.noSender : ANSWERS.noRecipient;
  if (last || isTooLarge(state, wanted)) return yield* finish(state, wanted);
  return { ...ANSWERS.ok, text: `${size} octets received` };
}

const isTooLarge = ({ options }: State, { size }: Transaction): boolean =>
  options.maxSize > 0 && size > options.maxSize;

function* keep(state: State, transaction: Transaction, bytes: Buffer): Dialogue<void> {
  const before = isTooLarge(state, transaction);
  transaction.size += bytes.length;
  if (!isTooLarge(state, transaction)) {
    if (bytes.length > 0) yield { kind: 'content', bytes };
  } else if (!before) yield { kind: 'discard' };
}

function* finish(state: State, transaction: Transaction): Dialogue<Answer> {
  if (isTooLarge(state, transaction)) {
    state.transaction = undefined;
    return ANSWERS.tooLarge;
  }
  const { sender, parameters, recipients } = transaction;
  const utf8 = parameters.smtpUtf8 ? { smtpUtf8: true as const } : {};
  const envelope = { sender, ...parameters.envelope, ...utf8, recipients: [...recipients.values()] };
  const verdict = yield* ask({ kind: 'submit', envelope });
  state.transaction = undefined;
  const refusal = refusalOf(verdict, { permanent: 554, temporary: 451, status: '3.0' });
  if (refusal !== undefined) return refusal;
  state.accepted++;
  return { ...ANSWERS.ok, text: verdict.text };
}

function* ask(step: Extract<SessionStep, { kind: 'verify' | 'submit' }>): Dialogue<Verdict> {
  const answer = yield step;
  if (answer.kind !== 'verdict') throw new TypeError(`Cannot go on with session: answer is ${answer.kind}`);
  return answer.verdict;
}

/** The refusal in a verdict; its status is replaced where it does not fit the code. */
function refusalOf(
  verdict: Verdict,
  usual: { permanent: number; temporary: number; status: string },
): Answer | undefined {
  if (verdict.ok) return undefined;
  const { permanent = false, status = '', text } = verdict;
  const kind = permanent ? 5 : 4;
  const fits = new RegExp(`^${kind}\\.\\d{1,3}\\.\\d{1,3}$`).test(status);
  return {
    code: permanent ? usual.permanent : usual.temporary,
    status: fits ? status : `${kind}.${usual.status}`,
    text,
  };
}
