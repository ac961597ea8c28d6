import type { NetworkSettings } from '../config/settings.ts';
import { findAddresses } from '../dns/addresses.ts';
import { orderFamilies } from '../dns/families.ts';
import type { Target } from '../net/connection.ts';
import { GetError, getText } from '../net/get.ts';
import type { HttpAnswer } from '../net/http.ts';
import { POLICY_PATH, parseStsPolicy, readStsRecord, type StsPolicy } from '../tls/mta-sts.ts';
import type { World } from '../world.ts';
import type { TlsMaterial } from './protect.ts';

/** What a domain publishes by MTA-STS (RFC 8461). */
export type FoundPolicy =
  | { readonly kind: 'none' }
  /** DNS does not answer. */
  | { readonly kind: 'unknown'; readonly text: string }
  /** There is something, and it does not count; `record` is in DNS, `fetch` the way to the policy, `policy` its text. */
  | { readonly kind: 'broken'; readonly where: 'record' | 'fetch' | 'policy'; readonly reason: string }
  | { readonly kind: 'policy'; readonly id: string; readonly policy: StsPolicy };

export interface PolicyQuestion {
  readonly domain: string;
  readonly network: NetworkSettings;
  readonly material: Pick<TlsMaterial, 'ca'>;
  readonly allowLocal: boolean;
  /** Where its server listens; 443 but in tests. */
  readonly port?: number;
}

// RFC 8461, section 3.3, has a minute for all and some 64 KB; real ones have 200 octets and come at once.
const MOST = 65_536;
const CONNECT_LIMIT = 20_000;
const TLS_LIMIT = 10_000;
const ANSWER_LIMIT = 20_000;

export const policyHost = (domain: string): string => `mta-sts.${domain}`;

/** Asks for the record and, where there is one, for the policy. Never rejects but for a bug. */
export async function findStsPolicy(
  question: PolicyQuestion,
  world: Pick<World, 'resolver' | 'connect' | 'monotonic'>,
): Promise<FoundPolicy> {
  const answer = await world.resolver.resolve(`_mta-sts.${question.domain}`, 'TXT');
  if (answer.kind === 'unknown') return answer;
  const record = readStsRecord(answer.kind === 'found' ? answer.records : []);
  if (record.kind === 'none') return record;
  if (record.kind === 'broken') return { kind: 'broken', where: 'record', reason: record.reason };
  const fetched = await fetchPolicy(question, world);
  if (typeof fetched === 'string') return { kind: 'broken', where: 'fetch', reason: fetched };
  const read = parseStsPolicy(fetched.body.toString('utf8'));
  if ('reason' in read) return { kind: 'broken', where: 'policy', reason: read.reason };
  return { kind: 'policy', id: record.id, policy: read.policy };
}

/** The answer, or why there is none that counts (section 3.3): its status, its kind, and who gave it. */
async function fetchPolicy(
  question: PolicyQuestion,
  world: Pick<World, 'resolver' | 'connect' | 'monotonic'>,
): Promise<HttpAnswer | string> {
  const { allowLocal, network } = question;
  const host = policyHost(question.domain);
  const found = await findAddresses(host, world.resolver, { allowLocal });
  if (found.kind === 'failure') return found.failure.text;
  const addresses = orderFamilies(found.addresses, network.ip);
  if (addresses.length === 0) return `it has no IPv${network.ip} address`;
  try {
    const target = targetOf(question, { host, addresses });
    const answer = await getText({ target, path: POLICY_PATH, most: MOST, limit: ANSWER_LIMIT }, world);
    if (answer.status >= 300 && answer.status < 400) return `it redirects (${answer.status}), which does not count`;
    if (answer.status !== 200) return `it answers ${answer.status}`;
    return answer.type === 'text/plain'
      ? answer
      : `its answer is ${answer.type === '' ? 'of no type' : answer.type.slice(0, 80)}, not text/plain`;
  } catch (error) {
    if (error instanceof GetError) return error.message;
    throw error;
  }
}

function targetOf(
  { network, material, port = 443 }: PolicyQuestion,
  { host, addresses }: Pick<Target, 'host' | 'addresses'>,
): Target {
  const tls = { servername: host, check: 'chain', names: [host], fingerprints: [], minVersion: 'TLSv1.2' } as const;
  return {
    ...{ host, addresses, port, connectTimeout: CONNECT_LIMIT, tlsTimeout: TLS_LIMIT },
    implicitTls: { ...tls, ca: material.ca },
    ...(network.source.length === 0 ? {} : { source: network.source }),
    ...(network.proxy === undefined ? {} : { proxy: network.proxy }),
  };
}
