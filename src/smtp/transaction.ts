/*
 * One transaction: MAIL, every RCPT, the message, in as few flights as the server's extensions allow.
 *
 *   CHUNKING, small and the last   MAIL RCPT… BDAT+message QUIT      one flight  (RFC 3030, RFC 2920)
 *   PIPELINING                     MAIL RCPT… DATA | message QUIT    two flights (RFC 2920)
 *   neither                        a flight for each command, QUIT too (RFC 5321, section 3.3)
 *
 * The outcome is given for each recipient. A refused recipient never stops the others. Replies are matched by order,
 * so one reply too many would move them all: the 354 of DATA shows that none was, and in one flight the 221 of QUIT
 * (which is why it must be the last); RSET proves a refusal. What can't be proved is transient. A broken wire keeps the refusals that had arrived whole before it.
 */
import type { Envelope, Recipient } from '../mail/envelope.ts';
import { isPositive, type Reply } from '../mail/reply.ts';
import type { Message } from '../message/message.ts';
import { command, mailCommand, rcptCommand } from './command.ts';
import { type Dialogue, flight, type Part, WireError } from './dialogue.ts';
import type { Extensions } from './extensions.ts';
import { judge, judgeBroken } from './judge.ts';
import { judgeEnvelope, judgeMessage, type Outcome, outOfStep, refuseAll, refuseStanding } from './outcome.ts';

/** The largest message that goes in the flight of its envelope: lost in vain only where all recipients are refused. */
export const ONE_FLIGHT_OCTETS = 256 * 1024;

export interface TransactionPlan {
  readonly protocol: 'smtp' | 'lmtp';
  readonly extensions: Extensions;
  readonly message: Message;
  readonly envelope: Envelope;
  /** Those of the envelope that this transaction is for. */
  readonly recipients: readonly Recipient[];
  readonly smtpUtf8: boolean;
  /** Nothing follows on this session: QUIT goes with the message. */
  readonly last: boolean;
  /** Nothing is sent: the server is only asked whether it would take the recipients. */
  readonly ask?: true;
}

export interface TransactionResult {
  /** In the order of the plan's recipients. */
  readonly outcomes: readonly Outcome[];
  /** Another transaction may follow on this session. */
  readonly usable: boolean;
}

/** Runs one transaction. Never throws for a broken wire: that is an outcome. */
export function* transaction(plan: TransactionPlan): Dialogue<TransactionResult> {
  const { extensions, message, protocol } = plan;
  if (plan.ask === true) return yield* inquiry(plan);
  const isOneFlight = plan.last && message.facts.size <= ONE_FLIGHT_OCTETS;
  // LMTP answers BDAT once for each recipient that stands, which is not known before the flight leaves.
  return extensions.pipelining && extensions.chunking && protocol === 'smtp' && isOneFlight
    ? yield* chunked(plan)
    : yield* classic(plan);
}

/** MAIL and each RCPT, and nothing more. */
function* inquiry(plan: TransactionPlan): Dialogue<TransactionResult> {
  const envelope = envelopeParts(plan);
  const { replies, error } = yield* attempt(
    plan.extensions.pipelining ? flight(envelope) : oneByOne(envelope, isHopeless),
  );
  const given = judgeEnvelope(plan.recipients, replies);
  return error === undefined ? yield* withdraw(plan, given) : broken(plan, given, error);
}

/** RFC 3030: the message right behind its envelope. */
function* chunked(plan: TransactionPlan): Dialogue<TransactionResult> {
  const envelope = envelopeParts(plan);
  const { replies, error } = yield* attempt(
    flight([
      ...envelope,
      { ...command(`BDAT ${plan.message.facts.size} LAST`, 'dot'), reply: false },
      { kind: 'body', message: plan.message, form: 'plain', replies: 1 },
      goodbye(true),
    ]),
  );
  const given = judgeEnvelope(plan.recipients, replies);
  const verdict = replies[envelope.length];
  if (verdict === undefined) return error === undefined ? lost(plan) : broken(plan, given, error);
  const proof = replies[envelope.length + 1];
  if (!(yield* isProved(proof, error))) return lost(plan, 'ended');
  return { outcomes: judgeMessage(given, [verdict], { each: false }), usable: false };
}

/**
 * Whether the replies were counted right: what follows the message must be the reply to QUIT, or nothing. A server that
 * knows no QUIT has said all with that; one that is a reply behind has another one to give. Any other refusal may as
 * well be that of the message.
 */
function* isProved(proof?: Reply, error?: WireError): Dialogue<boolean> {
  if (error !== undefined && isConfused(error)) return false;
  if (proof === undefined || proof.code === 421 || proof.code === 221) return true;
  if (proof.code !== 500 && proof.code !== 502) return false;
  const { replies } = yield* attempt(another());
  return replies.length === 0;
}

function* another(): Dialogue<readonly Reply[]> {
  return yield { kind: 'listen', stage: 'quit' };
}

/** MAIL, RCPT and DATA, in one flight or each alone, then the message. */
function* classic(plan: TransactionPlan): Dialogue<TransactionResult> {
  const envelope = envelopeParts(plan);
  const commands = [...envelope, command('DATA', 'data')];
  const { replies, error } = yield* attempt(
    plan.extensions.pipelining ? flight(commands) : oneByOne(commands, isHopeless),
  );
  const given = judgeEnvelope(plan.recipients, replies);
  if (error !== undefined) return broken(plan, given, error);
  const standing = given.filter((each) => each.kind === 'accepted').length;
  const go = replies[envelope.length];
  if (go !== undefined && go.code < 400 && go.code !== 354) return lost(plan);
  if (standing === 0) return yield* withdraw(plan, given, go);
  if (go === undefined) return lost(plan);
  if (go.code !== 354) return yield* withdraw(plan, refuseStanding(given, judge('data', go)));
  return yield* sendMessage(plan, given, standing);
}

function* sendMessage(plan: TransactionPlan, given: readonly Outcome[], standing: number): Dialogue<TransactionResult> {
  // LMTP answers once for each recipient that stands (RFC 2033, section 4.2).
  const each = plan.protocol === 'lmtp';
  const quit = plan.last && !given.some((outcome) => outcome.kind === 'later');
  const farewell = quit ? [{ ...goodbye(true), reply: false }] : [];
  // OpenSMTPD refuses a message with QUIT right behind it, unless it offers PIPELINING.
  const isTogether = plan.extensions.pipelining;
  const { replies, error } = yield* attempt(
    flight([
      { kind: 'body', message: plan.message, form: 'dots', replies: each ? standing : 1 },
      ...(isTogether ? farewell : []),
    ]),
  );
  if (quit && !isTogether && error === undefined) yield* attempt(flight(farewell));
  if (error !== undefined && isConfused(error)) return broken(plan, given, error);
  if (error !== undefined && !error.ended) {
    // A refusal in the middle of the message is the answer to all of it.
    const early = replies[0];
    return early === undefined
      ? broken(plan, given, error)
      : { outcomes: refuseStanding(given, judge('dot', early)), usable: false };
  }
  const usable = !quit && error === undefined && replies.every((reply) => isPositive(reply) || reply.code > 421);
  const missing = error === undefined ? {} : { missing: error };
  return { outcomes: judgeMessage(given, replies, { each, ...missing }), usable };
}

/** No message will be sent: ends the transaction so that its refusals are proved, and the session stays usable. */
function* withdraw(plan: TransactionPlan, given: readonly Outcome[], go?: Reply): Dialogue<TransactionResult> {
  // RFC 2920, section 3.1: 354 although no recipient stands; the empty message counts for nothing.
  const dot = go?.code === 354 ? [command('.', 'dot')] : [];
  const { replies, error } = yield* attempt(oneByOne([...dot, goodbye(plan.last)], () => false));
  if (error !== undefined && isConfused(error)) return lost(plan);
  const proof = replies[dot.length]?.code ?? 0;
  if (proof >= 300 && proof < 400) return lost(plan);
  return { outcomes: given, usable: !plan.last && error === undefined && proof < 300 };
}

const envelopeParts = ({ envelope, message, smtpUtf8, extensions, recipients }: TransactionPlan) => {
  const { size, eightBitBody, eightBitHeader } = message.facts;
  const mail = mailCommand({ size, eightBit: eightBitBody || eightBitHeader, smtpUtf8, envelope }, extensions);
  return [mail, ...recipients.map((recipient) => rcptCommand(recipient, extensions))];
};

const goodbye = (last: boolean) => (last ? command('QUIT', 'quit') : command('RSET', 'rset'));

/** After such trouble no reply can be matched with its command. */
const isConfused = (error: WireError): boolean => error.trouble === 'unasked' || error.trouble === 'malformed';

/** The wire broke: refusals that had arrived stay, unless the replies can't be told apart any more. */
function broken(plan: TransactionPlan, given: readonly Outcome[], error: WireError): TransactionResult {
  const failure = judgeBroken(error);
  const outcomes = isConfused(error) ? refuseAll(plan.recipients, failure) : refuseStanding(given, failure);
  return { outcomes, usable: false };
}

const lost = (plan: TransactionPlan, ended?: 'ended'): TransactionResult => ({
  outcomes: refuseAll(plan.recipients, outOfStep(ended !== undefined)),
  usable: false,
});

interface Attempted {
  readonly replies: readonly Reply[];
  readonly error?: WireError;
}

/** Runs a piece of dialogue; a broken wire is given back with the replies that came before it. */
function* attempt(dialogue: Dialogue<readonly Reply[]>): Dialogue<Attempted> {
  try {
    return { replies: yield* dialogue };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { replies: error.replies, error };
  }
}

type Hopeless = (part: Part, replies: readonly Reply[]) => boolean;

/** Each command waits for the reply before; those that make no sense after it are left out. */
function* oneByOne(parts: readonly Part[], isHopeless: Hopeless): Dialogue<readonly Reply[]> {
  const replies: Reply[] = [];
  for (const part of parts) {
    if (isHopeless(part, replies)) break;
    const { replies: got, error } = yield* attempt(flight([part]));
    replies.push(...got);
    if (error !== undefined) throw new WireError(error.message, { ...error, replies });
  }
  return replies;
}

const isHopeless: Hopeless = (part, replies) => {
  const [mail, ...rcpts] = replies;
  if (mail === undefined) return false;
  return !isPositive(mail) || (part.kind === 'command' && part.stage === 'data' && !rcpts.some(isPositive));
};
