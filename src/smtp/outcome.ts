import type { Recipient } from '../mail/envelope.ts';
import { isPositive, type Reply } from '../mail/reply.ts';
import type { Failure } from '../mail/result.ts';
import { WireError } from './dialogue.ts';
import { judge, judgeBroken, unexpected } from './judge.ts';

/** What one transaction meant for one recipient. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly reply: Reply }
  /** The server takes no more recipients in this transaction: another one may do. */
  | { readonly kind: 'later'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

const NO_REPLY: Reply = { code: 0, lines: [''] };

/** What MAIL and each RCPT were answered; a recipient without a reply yet counts as accepted and is decided later. */
export function judgeEnvelope(recipients: readonly Recipient[], replies: readonly Reply[]): readonly Outcome[] {
  const [mail, ...rcpts] = replies;
  if (mail !== undefined && !isPositive(mail)) return refuseAll(recipients, judge('mail', mail));
  let stands = false;
  return recipients.map((_, index) => {
    const reply = rcpts[index] ?? NO_REPLY;
    if (reply === NO_REPLY || isPositive(reply)) {
      stands ||= reply !== NO_REPLY;
      return { kind: 'accepted', reply };
    }
    const failure = judge('rcpt', reply);
    return { kind: stands && isTooMany(failure) ? 'later' : 'refused', failure };
  });
}

/** RFC 5321, section 4.5.3.1.10: 452, or 552 that counts as it. */
const isTooMany = (failure: Failure): boolean =>
  !failure.permanent && (failure.reply?.code === 452 || failure.reply?.code === 552);

/** The reply to QUIT (RFC 5321, section 4.1.1.10): where it stands in the place of a verdict, that one is missing. */
const GOODBYE = 221;

/** Gives each recipient that stands its verdict on the message: one for all, or in order one for each (LMTP). */
export function judgeMessage(
  given: readonly Outcome[],
  verdicts: readonly Reply[],
  { each, missing }: { readonly each: boolean; readonly missing?: WireError },
): readonly Outcome[] {
  let next = 0;
  return given.map((outcome): Outcome => {
    if (outcome.kind !== 'accepted') return outcome;
    const reply = verdicts[each ? next++ : 0];
    if (reply?.code === GOODBYE) return { kind: 'refused', failure: { ...unexpected('dot', reply), uncertain: true } };
    if (reply !== undefined && isPositive(reply)) return { kind: 'accepted', reply };
    if (reply !== undefined) return { kind: 'refused', failure: judge('dot', reply) };
    return { kind: 'refused', failure: missing ? judgeBroken(missing) : unexpected('dot', NO_REPLY) };
  });
}

export const refuseStanding = (given: readonly Outcome[], failure: Failure): readonly Outcome[] =>
  given.map((outcome) => (outcome.kind === 'accepted' ? { kind: 'refused', failure } : outcome));

export const refuseAll = (recipients: readonly Recipient[], failure: Failure): readonly Outcome[] =>
  recipients.map(() => ({ kind: 'refused', failure }));

/** There are more replies than commands, or fewer: none of them says anything about a recipient. */
export const outOfStep = (ended: boolean): Failure =>
  judgeBroken(
    new WireError('replies and commands do not match', { trouble: 'unasked', stage: ended ? 'dot' : 'data', ended }),
  );
