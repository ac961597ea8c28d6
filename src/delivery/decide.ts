import type { Failure } from '../mail/result.ts';

/** What a failure leads to for a recipient, while hosts of the route may be left. */
export type Decision = 'next host' | 'failed' | 'deferred';

/**
 * The policy, whole: permanent and the host's own, or transient, with hosts left: the next host; permanent: failed;
 * transient: deferred (RFC 5321, section 5.1). A lost reply to the final dot stops the attempt: another host at once
 * would be the surest way to deliver twice (RFC 1047).
 */
export function decide(failure: Failure, hostsLeft: number): Decision {
  const elsewhere = failure.permanent ? failure.scope === 'host' : failure.uncertain !== true && !isOurs(failure);
  if (elsewhere && hostsLeft > 0) return 'next host';
  return failure.permanent ? 'failed' : 'deferred';
}

/** The message can't be read here: no host would fare better. */
const isOurs = (failure: Failure): boolean => failure.scope === 'message' && failure.stage === 'body';
