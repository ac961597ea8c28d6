import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { Delivered, Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { Outcome } from '../smtp/outcome.ts';
import { transaction } from '../smtp/transaction.ts';
import { fitSession } from './fit.ts';
import type { Ledger } from './ledger.ts';
import type { Reencode } from './reencode.ts';
import type { Session } from './session.ts';

export interface TransactionsPlan {
  readonly message: Message;
  readonly envelope: Envelope;
  /** Those to try now. */
  readonly recipients: readonly Recipient[];
  readonly protocol: 'smtp' | 'lmtp';
  /** Recipients in one transaction at most. */
  readonly limit: number;
  readonly hostsLeft: number;
  readonly ask?: true;
  /** The message as a server without 8BITMIME, or any server, takes it; or why there is no such form. */
  readonly reencode: Reencode;
  /** Awaited behind each transaction, before the next one. */
  readonly onSettled?: () => Promise<void>;
}

/** Recipients that were not tried because the session had to end, and whether it had done something for others. */
export interface Untried {
  readonly untried: readonly Recipient[];
  readonly progress: boolean;
  /** The session had died while nobody used it: that says nothing about host or recipients. */
  readonly stale?: true;
}

/**
 * Sends the message to the recipients over one session, in as many transactions as it takes, and ends the session or
 * gives it back. On a session that others used before, the message follows only when the envelope has been answered:
 * whether it was dead already is known before anything could have been delivered.
 */
export async function runTransactions(plan: TransactionsPlan, session: Session, ledger: Ledger): Promise<Untried> {
  const { extensions, peer } = session;
  const fail = (recipient: Recipient, failure: Failure): void => {
    const { host, address } = peer;
    ledger.fail(recipient, { ...failure, host, address }, { hostsLeft: plan.hostsLeft, peer });
  };
  const wanted = plan.recipients;
  const fitting = fitSession({ facts: plan.message.facts, envelope: plan.envelope, recipients: wanted, extensions });
  const message = fitting.reencode ? await plan.reencode(plan.message, fitting.reencode) : plan.message;
  const whole = fitting.failure ?? ('scope' in message ? message : undefined);
  let queue: Recipient[] = [];
  for (const recipient of wanted) {
    const failure = whole ?? fitting.unnameable.get(recipient);
    if (failure === undefined) queue.push(recipient);
    else fail(recipient, failure);
  }
  const final = plan.protocol === 'lmtp' ? ({ final: true } as const) : {};
  const where = { peer, dsn: extensions.dsn, ...final };
  const most = Math.min(
    extensions.limits.transactions ?? Number.POSITIVE_INFINITY,
    session.most ?? Number.POSITIVE_INFINITY,
  );
  let reused = session.used > 0;
  let usable = true;
  let progress = false;
  while (queue.length > 0 && usable && !('scope' in message)) {
    const batch = nextBatch(queue, extensions.limits, plan.limit);
    const rest = queue.filter((recipient) => !batch.has(recipient));
    session.used += 1;
    const spent = session.used >= most;
    const result = await session.run(
      transaction({
        protocol: plan.protocol,
        extensions: reused ? { ...extensions, chunking: false } : extensions,
        message,
        envelope: plan.envelope,
        recipients: [...batch],
        smtpUtf8: fitting.smtpUtf8,
        ...(plan.ask === undefined ? {} : { ask: plan.ask }),
        last: (rest.length === 0 && session.keep === undefined) || spent,
      }),
    );
    if (reused && !result.usable && result.outcomes.every(isStale)) {
      session.close();
      return { untried: queue, progress: false, stale: true };
    }
    reused = false;
    const later = settle([...batch], result.outcomes, { ledger, where, fail });
    progress = result.outcomes.some((outcome) => outcome.kind === 'accepted');
    queue = [...later, ...rest];
    usable = result.usable && !spent;
    if (queue.length === 0 || !usable) break;
    try {
      await plan.onSettled?.();
    } catch (error) {
      session.close();
      throw error;
    }
  }
  if (!usable) session.close();
  else if (session.keep === undefined) await session.quit();
  else session.keep();
  // Others need not wait for what becomes of these results.
  await plan.onSettled?.();
  return { untried: queue, progress };
}

/** The wire was broken before MAIL was answered, or the answer was a goodbye. */
function isStale(outcome: Outcome): boolean {
  if (outcome.kind !== 'refused') return false;
  const { stage, scope, permanent, reply } = outcome.failure;
  return stage === 'mail' && scope === 'host' && !permanent && (reply === undefined || reply.code === 421);
}

interface Settling {
  readonly ledger: Ledger;
  readonly where: Pick<Delivered, 'peer' | 'dsn' | 'final'>;
  readonly fail: (recipient: Recipient, failure: Failure) => void;
}

/** Books each outcome; gives the recipients that another transaction may help: none where it would be said again. */
function settle(
  batch: readonly Recipient[],
  outcomes: readonly Outcome[],
  { ledger, where, fail }: Settling,
): readonly Recipient[] {
  const progress = outcomes.some((outcome) => outcome.kind === 'accepted');
  return batch.filter((recipient, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error('Cannot settle transaction: a recipient has no outcome');
    if (outcome.kind === 'accepted') ledger.deliver(recipient, outcome.reply, where);
    else if (outcome.kind === 'refused' || !progress) fail(recipient, outcome.failure);
    return outcome.kind === 'later' && progress;
  });
}

/** The first recipients that fit in one transaction: by count, and by how many domains the server takes (RFC 9422). */
function nextBatch(
  queue: readonly Recipient[],
  limits: Session['extensions']['limits'],
  limit: number,
): ReadonlySet<Recipient> {
  const most = Math.min(limit, limits.recipients ?? limit);
  const domains = new Set<string>();
  const batch = new Set<Recipient>();
  for (const recipient of queue) {
    if (batch.size >= most) break;
    const { domain } = recipient.address;
    if (!domains.has(domain) && domains.size >= (limits.domains ?? Number.POSITIVE_INFINITY)) continue;
    domains.add(domain);
    batch.add(recipient);
  }
  return batch;
}
