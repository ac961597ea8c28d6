/*
 * What a domain and its hosts publish about TLS, as far as it binds who sends to them:
 *
 *   TLSA records of a host (DANE, RFC 7672), where DNSSEC vouches for its MX record, its addresses and them;
 *   where there are none that can be used, the policy of the domain (MTA-STS, RFC 8461).
 *
 * A host that can't be had as it is published is passed over; nothing of it is ever sent in the clear instead. What DNS
 * does not say is a failure that passes, and no permission. The policy is asked for while the MX hosts are looked up.
 */
import type { Resolver } from '../dns/resolver.ts';
import { findTlsa } from '../dns/tlsa.ts';
import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';
import type { Host } from '../route/route.ts';
import { usableTlsa } from '../tls/dane.ts';
import { matchesMx } from '../tls/mta-sts.ts';
import type { World } from '../world.ts';
import { MEND_OR_LESS } from './failures.ts';
import type { Demand } from './protect.ts';
import type { PolicyQuestion } from './sts-find.ts';
import { type PolicyInForce, policyInForce } from './sts-policy.ts';

export interface DemandsQuestion extends PolicyQuestion {
  /** Of its hosts. */
  readonly mxPort: number;
}

export interface Asked {
  readonly demand?: Demand;
}

export interface Demands {
  /** What a session with the host must be like, if anything is asked for. A failure: it may not be used now. */
  of(host: Host): Promise<Asked | Failure>;
  /** Which hosts are the domain's is certain by its policy. */
  isEnforced(): Promise<boolean>;
}

/** Begins to ask for the policy of the domain. */
export function openDemands(question: DemandsQuestion, world: World): Demands {
  const { domain } = question;
  const policy = policyOf(question, world);
  policy.catch(() => {});
  return {
    async of(host) {
      const dane = await daneOf(host, question, world.resolver);
      const isDecided = dane !== undefined && ('scope' in dane || dane.kind === 'dane');
      const found = isDecided ? dane : (stsDemand(host, domain, await policy) ?? dane);
      return found === undefined || 'scope' in found ? (found ?? {}) : { demand: found };
    },
    async isEnforced() {
      const found = await policy;
      return found.kind === 'policy' && found.policy.mode === 'enforce';
    },
  };
}

const policyOf = async (question: DemandsQuestion, world: World): Promise<PolicyInForce> =>
  policyInForce(question, world, await world.policies?.());

/** Undefined where no record binds us. */
async function daneOf(
  { name, authentic }: Host,
  { domain, mxPort: port }: DemandsQuestion,
  resolver: Resolver,
): Promise<Demand | Failure | undefined> {
  // RFC 7672, section 2.2.2: what is not signed is not asked, since some of those servers answer no TLSA question.
  const place = authentic ? await placeOf(name, resolver) : 'unsigned';
  if (place === 'unsigned') return undefined;
  if (place !== 'signed') return failure('4.4.3', `looking up CNAME of ${quoted(name)}: ${place.text}`, UNKNOWN);
  const found = await findTlsa({ name, port }, resolver);
  switch (found.kind) {
    case 'nothing':
      return undefined;
    case 'unknown':
      return failure('4.4.3', `looking up TLSA of ${quoted(name)}: ${found.text}`, UNKNOWN);
    case 'found': {
      if (!found.authentic) return undefined;
      const records = usableTlsa(found.records);
      const names = [found.base, name, domain] as const;
      return records.length === 0 ? { kind: 'encrypt' } : { kind: 'dane', records, names };
    }
  }
}

/**
 * Whether DNSSEC vouches for the addresses of a host, or, where it is another name of one in an unsigned zone, for that.
 * An answer that never came takes nothing from the other: to drop it must not turn DANE off.
 */
async function placeOf(name: string, resolver: Resolver): Promise<'signed' | 'unsigned' | { readonly text: string }> {
  const answers = await Promise.all([resolver.resolve(name, 'A'), resolver.resolve(name, 'AAAA')]);
  if (answers.every((answer) => answer.kind === 'unknown' || answer.authentic)) return 'signed';
  if (!answers.some((answer) => answer.kind === 'found' && answer.name !== name)) return 'unsigned';
  const alias = await resolver.resolve(name, 'CNAME');
  if (alias.kind === 'unknown') return alias;
  return alias.kind === 'found' && alias.authentic ? 'signed' : 'unsigned';
}

function stsDemand({ name }: Host, domain: string, found: PolicyInForce): Demand | Failure | undefined {
  if (found.kind === 'none' || found.policy.mode !== 'enforce') return undefined;
  if (found.policy.mx.some((pattern) => matchesMx(pattern, name))) return { kind: 'mta-sts' };
  return failure('4.7.5', `the MTA-STS policy of ${quoted(domain)} does not name it`, MEND_OR_LESS);
}

const UNKNOWN = 'Without an answer nobody knows which server is the right one; mail in the queue is tried again';

const failure = (status: string, text: string, advice: string): Failure => ({
  ...{ scope: 'host', permanent: false, stage: 'resolve' },
  ...{ status, text, advice },
});
