import type { Answer, Resolver } from '../dns/resolver.ts';
import { addressOctets } from '../net/local-address.ts';
import { inNetwork, isSpf, type Mechanism, parseSpf, type SpfResult, type Term } from './spf-record.ts';

/*
 * Whether a domain's SPF record lets an address send its mail (RFC 7208, section 4), as a receiving server would find.
 * Ten terms with look-ups, two of them in vain, ten names of an MX: what asks for more is a permanent error, as the RFC
 * wants it (section 4.6.4). Macros and `ptr` are not evaluated: what depends on them is unknown. Never rejects.
 */
export interface SpfVerdict {
  readonly result: SpfResult | 'none' | 'permerror' | 'temperror' | 'unknown';
  /** The term that matched, or why there is no answer. */
  readonly why: string;
}

const MAX_LOOKUPS = 10;
const MAX_VOID = 2;
const MAX_NAMES = 10;

type Stop = SpfVerdict & { readonly result: 'permerror' | 'temperror' | 'unknown' };

interface Walk {
  readonly address: readonly number[];
  readonly resolver: Resolver;
  lookups: number;
  voids: number;
}

/** Section 4.1's check_host(). `address` is one of IPv4 or IPv6. */
export async function evaluateSpf(domain: string, address: string, resolver: Resolver): Promise<SpfVerdict> {
  const octets = addressOctets(address);
  if (octets === undefined) return { result: 'unknown', why: 'the address is none' };
  return check(domain, { address: unmapped(octets), resolver, lookups: 0, voids: 0 });
}

const unmapped = (octets: readonly number[]): readonly number[] =>
  octets.length === 16 && octets.slice(0, 10).every((one) => one === 0) && octets[10] === 0xff && octets[11] === 0xff
    ? octets.slice(12)
    : octets;

async function check(domain: string, walk: Walk): Promise<SpfVerdict> {
  const answer = await walk.resolver.resolve(domain, 'TXT');
  if (answer.kind === 'unknown') return { result: 'temperror', why: answer.text };
  const found = answer.kind === 'found' ? answer.records.filter(isSpf) : [];
  const [text] = found;
  if (text === undefined) return { result: 'none', why: `${domain} has no SPF record` };
  if (found.length > 1) return { result: 'permerror', why: `${domain} has ${found.length} SPF records` };
  const reading = parseSpf(text);
  if ('reason' in reading) return { result: 'permerror', why: `the record of ${domain}: ${reading.reason}` };
  const { terms, redirect } = reading.record;
  for (const term of terms) {
    const matched = await matches(term, domain, walk);
    if (typeof matched === 'object') return matched;
    if (matched) return { result: term.result, why: `"${term.text}" of ${domain}` };
  }
  if (redirect === undefined) return { result: 'neutral', why: `nothing in the record of ${domain} matches` };
  const stop = tooMany(walk) ?? macroIn(redirect);
  if (stop !== undefined) return stop;
  const further = await check(redirect, walk);
  return further.result === 'none' ? { result: 'permerror', why: `redirect to ${redirect}: ${further.why}` } : further;
}

/** Counts a term with look-ups. */
function tooMany(walk: Walk): Stop | undefined {
  walk.lookups += 1;
  if (walk.lookups <= MAX_LOOKUPS) return undefined;
  return { result: 'permerror', why: `it asks for more than ${MAX_LOOKUPS} look-ups` };
}

const macroIn = (domain: string): Stop | undefined =>
  domain.includes('%') ? { result: 'unknown', why: `"${domain}" has a macro, which is not evaluated here` } : undefined;

async function matches({ mechanism }: Term, domain: string, walk: Walk): Promise<boolean | Stop> {
  switch (mechanism.kind) {
    case 'all':
      return true;
    case 'ip':
      return inNetwork(walk.address, mechanism.octets, mechanism.prefix);
    case 'ptr':
      return tooMany(walk) ?? { result: 'unknown', why: '"ptr" is deprecated, and is not evaluated here' };
    case 'include':
      return tooMany(walk) ?? macroIn(mechanism.domain) ?? includes(mechanism.domain, walk);
    case 'exists':
      return tooMany(walk) ?? macroIn(mechanism.domain) ?? ask(mechanism.domain, 'A', walk).then(isThere);
    case 'a':
    case 'mx':
      return tooMany(walk) ?? macroIn(mechanism.domain ?? '') ?? hosts(mechanism, mechanism.domain ?? domain, walk);
  }
}

async function includes(domain: string, walk: Walk): Promise<boolean | Stop> {
  const { result, why } = await check(domain, walk);
  switch (result) {
    case 'pass':
      return true;
    case 'fail':
    case 'softfail':
    case 'neutral':
      return false;
    case 'temperror':
    case 'unknown':
      return { result, why };
    case 'none':
    case 'permerror':
      return { result: 'permerror', why: `include:${domain}: ${why}` };
  }
}

const isThere = (answer: readonly string[] | Stop): boolean | Stop => ('result' in answer ? answer : answer.length > 0);

type HostMechanism = Extract<Mechanism, { prefix4: number }>;

async function hosts(mechanism: HostMechanism, domain: string, walk: Walk): Promise<boolean | Stop> {
  const names = mechanism.kind === 'a' ? [domain] : await exchanges(domain, walk);
  if ('result' in names) return names;
  if (names.length > MAX_NAMES) return { result: 'permerror', why: `${domain} has more than ${MAX_NAMES} MX hosts` };
  const isV4 = walk.address.length === 4;
  const prefix = isV4 ? mechanism.prefix4 : mechanism.prefix6;
  for (const name of names) {
    const addresses = await ask(name, isV4 ? 'A' : 'AAAA', walk);
    if ('result' in addresses) return addresses;
    if (addresses.some((one) => inNetwork(walk.address, addressOctets(one) ?? [], prefix))) return true;
  }
  return false;
}

async function exchanges(domain: string, walk: Walk): Promise<readonly string[] | Stop> {
  const answer = await walk.resolver.resolve(domain, 'MX');
  const records = answer.kind === 'found' ? answer.records.map(({ exchange }) => exchange).filter(Boolean) : [];
  return counted(answer, records, walk);
}

async function ask(name: string, type: 'A' | 'AAAA', walk: Walk): Promise<readonly string[] | Stop> {
  const answer = await walk.resolver.resolve(name, type);
  return counted(answer, answer.kind === 'found' ? answer.records : [], walk);
}

function counted(answer: Answer<unknown>, found: readonly string[], walk: Walk): readonly string[] | Stop {
  if (answer.kind === 'unknown') return { result: 'temperror', why: answer.text };
  if (found.length === 0) walk.voids += 1;
  if (walk.voids <= MAX_VOID) return found;
  return { result: 'permerror', why: `more than ${MAX_VOID} of its look-ups find nothing` };
}
