/*
 * Asks for what a domain publishes by MTA-STS (RFC 8461): a TXT record whose id says that there is a policy and when it
 * is another one, and the policy itself, by HTTPS from a host of the domain. Nothing is remembered here.
 */
import type { NetworkSettings } from '../config/settings.ts';
import { findAddresses } from '../dns/addresses.ts';
import { orderFamilies } from '../dns/families.ts';
import type { Resolver } from '../dns/resolver.ts';
import { createEnding, type Ending, inTime } from '../mail/ending.ts';
import type { Target } from '../net/connection.ts';
import { GetError, getText } from '../net/get.ts';
import type { HttpAnswer } from '../net/http.ts';
import { POLICY_PATH, parseStsPolicy, readStsRecord, type StsPolicy } from '../tls/mta-sts.ts';
import type { World } from '../world.ts';
import type { TlsMaterial } from './protect.ts';

/** What there is now, or what is wrong with it. */
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

export type StsWorld = Pick<World, 'resolver' | 'connect' | 'monotonic'>;

// RFC 8461, section 3.3, has some 64 KB, and a minute: but a message waits for it, and perhaps a person for the message.
// Real policies have 200 octets and come within a second; a server that is dead costs this much once in five minutes.
const MOST = 65_536;
const FETCH_LIMIT = 15_000;
const STEP_LIMIT = 10_000;
// There are name servers that never answer for such a name, and mail waits for this too.
const RECORD_LIMIT = 10_000;

export const policyHost = (domain: string): string => `mta-sts.${domain}`;

/** Asks for the record and, where there is one, for the policy. Never rejects but for a bug. */
export async function findStsPolicy(question: PolicyQuestion, world: StsWorld): Promise<FoundPolicy> {
  const record = await findRecord(question.domain, world.resolver);
  return record.kind === 'record' ? await fetchPolicy(record.id, question, world) : record;
}

export type FoundRecord =
  | { readonly kind: 'record'; readonly id: string }
  | Extract<FoundPolicy, { kind: 'none' | 'unknown' | 'broken' }>;

export async function findRecord(domain: string, resolver: Resolver): Promise<FoundRecord> {
  const answer = await inTime(resolver.resolve(`_mta-sts.${domain}`, 'TXT'), RECORD_LIMIT);
  if (answer === undefined) return { kind: 'unknown', text: `no answer within ${RECORD_LIMIT / 1000} s` };
  if (answer.kind === 'unknown') return answer;
  const record = readStsRecord(answer.kind === 'found' ? answer.records : []);
  return record.kind === 'broken' ? { kind: 'broken', where: 'record', reason: record.reason } : record;
}

/** The policy that the id stands for, within its time, whatever DNS and the server do. */
export async function fetchPolicy(
  id: string,
  question: PolicyQuestion,
  world: StsWorld,
): Promise<Extract<FoundPolicy, { kind: 'policy' | 'broken' }>> {
  const stop = createEnding();
  const found = await inTime(getPolicy(question, world, stop.signal), FETCH_LIMIT).finally(() => stop.abort());
  const fetched = found ?? `no answer within ${FETCH_LIMIT / 1000} s`;
  if (typeof fetched === 'string') return { kind: 'broken', where: 'fetch', reason: fetched };
  const read = parseStsPolicy(fetched.body.toString('utf8'));
  if ('reason' in read) return { kind: 'broken', where: 'policy', reason: read.reason };
  return { kind: 'policy', id, policy: read.policy };
}

/** The answer, or why there is none that counts (section 3.3): its status, its kind, and who gave it. */
async function getPolicy(question: PolicyQuestion, world: StsWorld, signal: Ending): Promise<HttpAnswer | string> {
  const { allowLocal, network } = question;
  const host = policyHost(question.domain);
  const found = await findAddresses(host, world.resolver, { allowLocal });
  if (found.kind === 'failure') return found.failure.text;
  const addresses = orderFamilies(found.addresses, network.ip);
  if (addresses.length === 0) return `it has no IPv${network.ip} address`;
  try {
    const target = targetOf(question, { host, addresses });
    const connect: StsWorld['connect'] = (to) => world.connect(to, signal);
    const wish = { target, path: POLICY_PATH, most: MOST, limit: STEP_LIMIT };
    const answer = await getText(wish, { connect, monotonic: world.monotonic });
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
    ...{ host, addresses, port, connectTimeout: STEP_LIMIT, tlsTimeout: STEP_LIMIT },
    implicitTls: { ...tls, ca: material.ca },
    ...(network.source.length === 0 ? {} : { source: network.source }),
    ...(network.proxy === undefined ? {} : { proxy: network.proxy }),
  };
}
