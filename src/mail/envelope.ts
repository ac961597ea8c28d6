import type { Address } from './address.ts';

/** When the recipient's fate is to be reported (RFC 3461, section 4.1). */
export type Notify = 'never' | readonly ('success' | 'failure' | 'delay')[];

export interface Recipient {
  readonly address: Address;
  readonly notify?: Notify;
  /** The original recipient as `rfc822;text` before xtext encoding (ORCPT; RFC 3461, section 4.2). */
  readonly original?: string;
  /** A user of this host, whom no alias leads elsewhere. */
  readonly local?: true;
}

export interface Envelope {
  /** The reverse-path; `null` is `<>`. */
  readonly sender: Address | null;
  readonly recipients: readonly Recipient[];
  /** ENVID before xtext encoding (RFC 3461, section 4.4). */
  readonly id?: string;
  /** What a bounce shall return (RET; RFC 3461, section 4.3). */
  readonly return?: 'full' | 'headers';
  /** RFC 8689: only over verified TLS, at each hop. */
  readonly requireTls?: boolean;
}
