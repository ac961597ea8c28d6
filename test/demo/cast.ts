/** What the command says of a recipient in `--json`, as far as the demo looks. */
export interface Told {
  readonly recipient: string;
  readonly outcome: string;
  readonly status: string;
  readonly text?: string;
  readonly error?: string;
  readonly host?: string;
  readonly tls?: { readonly version: string } | null;
  readonly attempts: number;
}

/** One of the message's recipients: what the world does to it, and what must become of it. */
export interface Role {
  readonly recipient: string;
  readonly fate: string;
  isAsExpected(told: Told): boolean;
}

export const CAST: readonly Role[] = [
  {
    recipient: 'ann@example.org',
    fate: 'her mail server accepts, and offers STARTTLS',
    isAsExpected: (told) => told.outcome === 'delivered' && told.tls?.version === 'TLSv1.3' && told.attempts === 1,
  },
  {
    recipient: 'bob@grey.example',
    fate: 'greylisted: the first attempt gets "450 come back later"',
    isAsExpected: (told) => told.outcome === 'delivered' && told.attempts === 2,
  },
  {
    recipient: 'nobody@example.org',
    fate: 'refused with "550 No such user here", by the server that accepts ann',
    isAsExpected: (told) => told.outcome === 'failed' && told.status === '5.1.1' && told.attempts === 1,
  },
  {
    recipient: 'carol@nomail.example',
    fate: 'the domain says in DNS that it takes no mail (null MX)',
    isAsExpected: (told) => told.outcome === 'failed' && told.status === '5.1.10' && told.attempts === 1,
  },
  {
    recipient: 'dave@backup.example',
    fate: 'the first of two MX hosts is down',
    isAsExpected: (told) => told.outcome === 'delivered' && told.host === 'mx2.backup.example' && told.attempts === 1,
  },
];
