import { normalName } from './name.ts';
import type { RecordData, RecordType } from './resolver.ts';

/** One record of an answer section, of class IN. */
export type WireRecord = {
  readonly [T in RecordType]: {
    readonly type: T;
    /** Lower case without a final dot. */
    readonly name: string;
    readonly ttl: number;
    readonly data: RecordData[T];
  };
}[RecordType];

/** What one server said to one question, sane and matched. */
export interface ServerReply {
  readonly code: number;
  readonly isAuthoritative: boolean;
  readonly canRecurse: boolean;
  /** The AD bit as the server set it. */
  readonly isAuthentic: boolean;
  readonly records: readonly WireRecord[];
  readonly authorities: number;
  readonly negativeTtl?: number;
}

/** Where a chain of CNAMEs in one answer leads. */
export type Chain =
  | { readonly kind: 'records'; readonly name: string; readonly records: readonly WireRecord[]; readonly ttl: number }
  /** Nothing of the type at this name, which is that of the question after `hops` CNAMEs. */
  | { readonly kind: 'end'; readonly name: string; readonly hops: number; readonly ttl: number }
  | { readonly kind: 'loop' };

/** CNAMEs followed for one question, those of further queries included. Unbound stops at 11, BIND at 16. */
export const MAX_HOPS = 10;

/**
 * Follows the CNAMEs from a name. Only records whose owner is on the way count; others of the section are what a forger
 * or a generous server adds (RFC 5452, section 6).
 */
export function followChain(records: readonly WireRecord[], name: string, type: RecordType): Chain {
  let owner = normalName(name);
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; hops <= MAX_HOPS; hops += 1) {
    const here = records.filter((record) => record.name === owner);
    const wanted = here.filter((record) => record.type === type);
    if (wanted.length > 0) {
      const least = wanted.reduce((before, record) => Math.min(before, record.ttl), ttl);
      return { kind: 'records', name: owner, records: wanted, ttl: least };
    }
    const alias = here.find((record) => record.type === 'CNAME');
    if (alias?.type !== 'CNAME') return { kind: 'end', name: owner, hops, ttl };
    ttl = Math.min(ttl, alias.ttl);
    owner = alias.data;
  }
  return { kind: 'loop' };
}

/** Takes the data out of the records of one type. */
export const READ_DATA: { readonly [T in RecordType]: (record: WireRecord) => RecordData[T] | undefined } = {
  A: (record) => (record.type === 'A' ? record.data : undefined),
  AAAA: (record) => (record.type === 'AAAA' ? record.data : undefined),
  MX: (record) => (record.type === 'MX' ? record.data : undefined),
  TXT: (record) => (record.type === 'TXT' ? record.data : undefined),
  TLSA: (record) => (record.type === 'TLSA' ? record.data : undefined),
  PTR: (record) => (record.type === 'PTR' ? record.data : undefined),
  CNAME: (record) => (record.type === 'CNAME' ? record.data : undefined),
};
