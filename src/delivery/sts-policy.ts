/*
 * Which MTA-STS policy (RFC 8461) mail to a domain has to keep, now.
 *
 * In force is the last policy that could be had, until it is as old as it may become: that its record is gone or broken,
 * that DNS is silent or its server down ends nothing, since whoever is in between could bring that about. Where none was
 * ever had, all of that is as if the domain published nothing. A policy is fetched where the record's id is another one,
 * and once a day beside the mail that goes by the old one, so that it does not end unseen (sections 3.3, 5.1 and 10.2).
 */
import type { Resolver } from '../dns/resolver.ts';
import { toAscii } from '../mail/domain.ts';
import type { KnownPolicy, PolicyMemory, StsPolicy } from '../tls/mta-sts.ts';
import type { World } from '../world.ts';
import { fetchPolicy, findRecord, type PolicyQuestion, type StsWorld } from './sts-find.ts';

/** What mail to a domain has to keep. What is not known is none, or what was known before. */
export type PolicyInForce =
  | { readonly kind: 'none' }
  | { readonly kind: 'policy'; readonly id: string; readonly policy: StsPolicy };

// Sections 3.3 and 5.1: five minutes or more after a failure, and once a day.
const FAILURE_REST = 300_000;
const REFRESH = 86_400_000;
// Milliseconds: messages to many recipients of a domain are delivered at once, and a queue is run in far less.
const LATELY = 60_000;
const MOST_LOOKUPS = 1000;

interface Lookup {
  readonly answer: Promise<PolicyInForce>;
  /** Monotonic milliseconds; undefined while it is under way. */
  ended?: number;
}

const lookups = new WeakMap<Resolver, Map<string, Lookup>>();

/**
 * Looks a domain up once in a minute, however many ask at once with the same resolver. An address literal has no policy.
 * Never rejects but for a bug.
 */
export async function policyInForce(
  question: PolicyQuestion,
  world: StsWorld & Pick<World, 'now'>,
  memory: PolicyMemory | undefined,
): Promise<PolicyInForce> {
  const domain = toAscii(question.domain);
  if (domain === undefined) return { kind: 'none' };
  const known = lookups.get(world.resolver) ?? new Map<string, Lookup>();
  lookups.set(world.resolver, known);
  const last = known.get(domain);
  if (last !== undefined && (last.ended === undefined || world.monotonic() - last.ended < LATELY)) return last.answer;
  const lookup: Lookup = { answer: decide({ ...question, domain }, world, memory) };
  known.delete(domain);
  known.set(domain, lookup);
  for (const oldest of known.keys()) {
    if (known.size <= MOST_LOOKUPS) break;
    known.delete(oldest);
  }
  try {
    return await lookup.answer;
  } finally {
    lookup.ended = world.monotonic();
  }
}

async function decide(
  question: PolicyQuestion,
  world: StsWorld & Pick<World, 'now'>,
  memory: PolicyMemory | undefined,
): Promise<PolicyInForce> {
  const { domain } = question;
  const record = await findRecord(domain, world.resolver);
  const known = memory?.recall(domain);
  const old = inForce(known, world.now());
  if (record.kind !== 'record' || isFresh(record.id, known, world.now())) return old;
  const failed = memory?.failed(domain, record.id);
  if (failed !== undefined && isWithin(world.now() - failed, FAILURE_REST)) return old;
  const renewed = renew(record.id, { question, known }, world, memory);
  // Mail goes by the old one meanwhile.
  return old.kind === 'policy' && old.id === record.id ? old : renewed;
}

interface Renewal {
  readonly question: PolicyQuestion;
  readonly known: KnownPolicy | undefined;
}

/** The policy that is there now, which is kept; where none can be had, the old one. */
async function renew(
  id: string,
  { question, known }: Renewal,
  world: StsWorld & Pick<World, 'now'>,
  memory: PolicyMemory | undefined,
): Promise<PolicyInForce> {
  const { domain } = question;
  const fetched = await fetchPolicy(id, question, world);
  const now = world.now();
  if (fetched.kind !== 'policy') {
    memory?.keepFailure(domain, id, now);
    return inForce(known, now);
  }
  memory?.keep(domain, { id, policy: fetched.policy, fetched: now });
  return fetched.policy.mode === 'none' ? { kind: 'none' } : fetched;
}

const isWithin = (age: number, limit: number): boolean => age >= 0 && age < limit;

/** Whether it need not be fetched again; what is from the future, by a clock that was wrong, has to be. */
const isFresh = (id: string, known: KnownPolicy | undefined, now: number): boolean =>
  known?.id === id && isWithin(now - known.fetched, Math.min(REFRESH, known.policy.maxAge * 500));

/** A clock that was set back ends no policy, and none that was kept with a wrong one lasts for ever. */
function inForce(known: KnownPolicy | undefined, now: number): PolicyInForce {
  if (known === undefined || known.policy.mode === 'none') return { kind: 'none' };
  if (Math.abs(now - known.fetched) >= known.policy.maxAge * 1000) return { kind: 'none' };
  return { kind: 'policy', id: known.id, policy: known.policy };
}
