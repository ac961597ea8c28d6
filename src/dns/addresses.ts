import { inTime } from '../mail/ending.ts';
import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';
import { isLocalAddress } from '../net/local-address.ts';
import { isOwn, type OwnNames } from './own.ts';
import type { Answer, Resolver } from './resolver.ts';

export interface FindAddresses {
  /** Use loopback and the like, for tests. */
  readonly allowLocal: boolean;
  readonly own?: OwnNames;
  /** Milliseconds to wait for IPv6 when IPv4 is there; 50 without it (RFC 8305, section 3). */
  readonly resolutionDelay?: number;
}

export type FoundAddresses =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly authentic: boolean }
  | { readonly kind: 'failure'; readonly failure: Failure };

/** A host's addresses in the order to try, IPv6 first and then in turn (RFC 8305, section 4). A failure is the host's. */
export async function findAddresses(host: string, resolver: Resolver, options: FindAddresses): Promise<FoundAddresses> {
  const [v4, v6] = await bothFamilies(host, resolver, options.resolutionDelay ?? 50);
  const all = alternate(recordsOf(v6), recordsOf(v4));
  if (all.length === 0) return noAddress(host, [v4, v6]);
  const isRefused = (address: string): boolean => refusal(address, options) !== undefined;
  const addresses = all.filter((address) => !isRefused(address));
  if (addresses.length > 0) return { kind: 'addresses', addresses, authentic: [v4, v6].every(isAuthentic) };
  const [first = ''] = all;
  const reason = refusal(first, options);
  const status = reason === OWN ? '5.4.6' : '5.1.2';
  return failed({ permanent: true, status, text: `refused: ${reason} address ${first}`, host });
}

const OWN = "this host's own";

/** Why an address is not used; undefined where it is. */
export function refusal(
  address: string,
  { allowLocal, own }: Pick<FindAddresses, 'allowLocal' | 'own'>,
): string | undefined {
  if (allowLocal) return undefined;
  return isLocalAddress(address) ?? (own !== undefined && isOwn(address, own) ? OWN : undefined);
}

/** Nothing is there for sure only where both families say so; one that is not known may come later. */
function noAddress(host: string, answers: readonly Answer<string>[]): FoundAddresses {
  const unknown = answers.find((answer) => answer.kind === 'unknown');
  if (unknown?.kind === 'unknown') {
    const text = `looking up addresses of ${quoted(host)}: ${unknown.text}`;
    return failed({ permanent: false, status: '4.4.3', text, host });
  }
  const exists = answers.some((answer) => answer.kind !== 'nothing' || answer.exists);
  const text = exists ? `host ${quoted(host)} has no address` : `host ${quoted(host)} does not exist`;
  return failed({ permanent: true, status: '5.4.4', text, host });
}

/** Both at once; IPv6 is not waited for long where IPv4 is there, since some servers never answer AAAA. */
async function bothFamilies(
  host: string,
  resolver: Resolver,
  delay: number,
): Promise<readonly [Answer<string>, Answer<string>]> {
  const v6 = resolver.resolve(host, 'AAAA');
  const v4 = await resolver.resolve(host, 'A');
  if (v4.kind !== 'found') return [v4, await v6];
  return [v4, (await inTime(v6, delay)) ?? { kind: 'unknown', text: 'not waited for' }];
}

/** One from each in turn, the first list first. */
export function alternate(first: readonly string[], second: readonly string[]): string[] {
  const mixed: string[] = [];
  for (let index = 0; index < Math.max(first.length, second.length); index += 1) {
    mixed.push(...first.slice(index, index + 1), ...second.slice(index, index + 1));
  }
  return mixed;
}

const recordsOf = (answer: Answer<string>): readonly string[] => (answer.kind === 'found' ? answer.records : []);

/** What is not known adds no address, and takes nothing from the others: to drop an answer must not turn DANE off. */
const isAuthentic = (answer: Answer<string>): boolean => answer.kind === 'unknown' || answer.authentic;

function failed(facts: Pick<Failure, 'permanent' | 'status' | 'text' | 'host'>): FoundAddresses {
  return { kind: 'failure', failure: { scope: 'host', stage: 'resolve', ...facts } };
}
