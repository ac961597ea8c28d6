import type { Ending } from '../mail/ending.ts';
import type { DeliveryResult } from '../mail/result.ts';

/** What was broken off says nothing, and costs no attempt. */
export const isDecided = (result: DeliveryResult, { aborted }: Ending): boolean =>
  result.outcome !== 'deferred' || !aborted || result.failure.uncertain === true;

/** A login that is refused is for us to put right, and no mail is lost meanwhile. */
export function softened(result: DeliveryResult): DeliveryResult {
  if (result.outcome !== 'failed' || result.failure.stage !== 'auth') return result;
  return { ...result, outcome: 'deferred', failure: { ...result.failure, permanent: false } };
}
