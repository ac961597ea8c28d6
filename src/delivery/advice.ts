import { formatReply } from '../mail/reply.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import { nameOf, type Plan } from '../route/plan.ts';
import { userOf } from '../route/table.ts';
import { type Circumstances, ROWS } from './advice-rows.ts';

/*
 * What a person can do about a failure that people meet: one sentence on one line, the first row that matches. Servers
 * say the same thing in many ways, so their codes count, and the words of those that most mail goes to. A row goes over
 * the advice that a failure came with, as it knows more of the case. Nothing of what a server said is repeated, and no
 * secret is known here. Pure; loaded only where something was not delivered.
 */

export function circumstancesOf(
  { outlet, destination }: Pick<Plan, 'outlet' | 'destination'>,
  ownName: string,
): Circumstances {
  const { via, login } = outlet;
  return {
    isRelay: via.kind === 'relay',
    hasLogin: userOf(outlet) !== undefined,
    ...(login.oauth === undefined ? {} : { hasTokens: true }),
    destination: nameOf(destination),
    ownName: ownName.toLowerCase(),
  };
}

/** Characters of what a server said that are looked at. */
const MOST = 2000;

/** The failure with the best advice there is for it; the failure itself where nothing better is known. */
export function advised(failure: Failure, around: Circumstances): Failure {
  // Whoever has the tokens knows more of the case.
  if (around.hasTokens === true && failure.stage === 'auth') return failure;
  const words = (failure.reply === undefined ? failure.text : formatReply(failure.reply)).slice(0, MOST);
  const row = ROWS.find(
    ({ stages, status, codes, words: pattern, when }) =>
      (stages?.includes(failure.stage) ?? true) &&
      (status?.test(failure.status) ?? true) &&
      (codes === undefined || (failure.reply !== undefined && codes.includes(failure.reply.code))) &&
      (pattern?.test(words) ?? true) &&
      (when?.(around, failure) ?? true),
  );
  if (row === undefined) return failure;
  return { ...failure, advice: typeof row.say === 'string' ? row.say : row.say(failure) };
}

/** The results with advice where they are failures. */
export const adviseAll = (results: readonly DeliveryResult[], around: Circumstances): readonly DeliveryResult[] =>
  results.map((result) => {
    if (result.outcome === 'delivered') return result;
    const failure = advised(result.failure, around);
    return failure === result.failure ? result : { ...result, failure };
  });
