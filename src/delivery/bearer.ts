import type { Ending } from '../mail/ending.ts';
import type { Failure } from '../mail/result.ts';
import type { TokenSource } from '../smtp/sasl/exchange.ts';
import { unlessInterrupted } from './addresses.ts';
import { INTERRUPTED } from './failures.ts';
import type { Opening, SessionPlan } from './session.ts';

export interface Bearing {
  readonly signal: Ending | undefined;
  /** Opens a session with a plan that has its token. */
  open(plan: SessionPlan): Promise<Opening>;
}

/**
 * Opens a session whose login takes an access token, which is had before the server is bothered. Where the server refuses
 * it, it may have become stale: there is one more session, with another token, and no third.
 */
export async function withTokens(plan: SessionPlan, tokens: TokenSource, { signal, open }: Bearing): Promise<Opening> {
  const token = (await unlessInterrupted(tokens.current(), signal)) ?? INTERRUPTED;
  if (typeof token !== 'string') return unopened(plan, token);
  const first = await open(bearing(plan, token));
  if (!isRefused(first)) return first;
  const found = await unlessInterrupted(
    tokens.instead(token).then((other) => ({ other })),
    signal,
  );
  const other = found === undefined ? INTERRUPTED : found.other;
  if (other === undefined) return advised(first, tokens);
  if (typeof other !== 'string') return { ...first, failure: { ...other, host: plan.host } };
  return advised(await open(bearing({ ...plan, addresses: addressOf(first, plan) }, other)), tokens);
}

const unopened = ({ host }: SessionPlan, failure: Failure): Opening => ({
  kind: 'failure',
  failure: failure === INTERRUPTED ? failure : { ...failure, host },
  greeted: false,
});

const bearing = (plan: SessionPlan, token: string): SessionPlan =>
  plan.login === undefined
    ? plan
    : { ...plan, login: { ...plan.login, credentials: { ...plan.login.credentials, token } } };

type Failed = Opening & { readonly kind: 'failure' };

/** RFC 7628, section 3.2.3: the reason is in a challenge, in words that differ; the end of it is a 535. */
const isRefused = (opening: Opening): opening is Failed =>
  opening.kind === 'failure' && opening.failure.stage === 'auth' && opening.failure.reply?.code === 535;

const advised = (opening: Opening, { advice }: TokenSource): Opening =>
  isRefused(opening) ? { ...opening, failure: { ...opening.failure, advice } } : opening;

const addressOf = ({ peer }: Failed, { addresses }: SessionPlan): readonly string[] =>
  peer === undefined ? addresses : [peer.address];
