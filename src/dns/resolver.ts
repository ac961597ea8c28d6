/** What a name server may be asked; the data of each record type. */
export interface RecordData {
  readonly A: string;
  readonly AAAA: string;
  readonly MX: { readonly preference: number; readonly exchange: string };
  readonly TXT: string;
  readonly TLSA: {
    readonly usage: number;
    readonly selector: number;
    readonly matching: number;
    readonly data: Buffer;
  };
  readonly PTR: string;
  /** Where an alias leads at its first step; the alias itself is not followed. */
  readonly CNAME: string;
}
export type RecordType = keyof RecordData;

/** The answer to one question, after CNAMEs were followed. */
export type Answer<T> =
  | {
      readonly kind: 'found';
      readonly records: readonly T[];
      /** The owner name after CNAMEs. */
      readonly name: string;
      /** Seconds. */
      readonly ttl: number;
      /** DNSSEC-validated by a resolver that is trusted (AD bit). */
      readonly authentic: boolean;
    }
  /** NODATA or NXDOMAIN. */
  | { readonly kind: 'nothing'; readonly exists: boolean; readonly authentic: boolean }
  /** No usable answer: time-out, SERVFAIL, malformed; `text` says which, in one line. */
  | { readonly kind: 'unknown'; readonly text: string };

/** Names are absolute (no search list), A-labels without a final dot. Never rejects. */
export interface Resolver {
  resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>>;
}
