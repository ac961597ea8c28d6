import { addressOctets } from '../net/local-address.ts';

/** RFC 7208: what a domain says of who may send its mail. */
export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral';

export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: string }
  | { readonly kind: 'a' | 'mx'; readonly domain?: string; readonly prefix4: number; readonly prefix6: number }
  | { readonly kind: 'ip'; readonly octets: readonly number[]; readonly prefix: number }
  /** Deprecated (section 5.5); it costs a look-up, and is not evaluated. */
  | { readonly kind: 'ptr' };

export interface Term {
  readonly text: string;
  readonly result: SpfResult;
  readonly mechanism: Mechanism;
}

export interface SpfRecord {
  readonly terms: readonly Term[];
  /** Where to go on when nothing matched. */
  readonly redirect?: string;
}

const RESULTS: Readonly<Record<string, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' };
/** Characters; a record has to fit into an answer. */
const MAX = 65_535;

/** Whether a TXT record is one of SPF (section 4.5). */
export const isSpf = (text: string): boolean => /^v=spf1(?: |$)/i.test(text);

/** Reads a record; a reason where it can't be read (a permanent error). Domains may have macros in them. */
export function parseSpf(text: string): { readonly record: SpfRecord } | { readonly reason: string } {
  if (text.length > MAX) return { reason: 'it is too long' };
  const terms: Term[] = [];
  let redirect: string | undefined;
  for (const word of text.slice('v=spf1'.length).split(' ').filter(Boolean)) {
    const [, name = '', value = ''] = /^([a-z][a-z0-9_.-]*)=(.*)$/i.exec(word) ?? [];
    if (name !== '') {
      if (name.toLowerCase() !== 'redirect') continue;
      if (redirect !== undefined || value === '') return { reason: `"${word}" can't stand there` };
      redirect = value;
      continue;
    }
    const [, sign = '', rest = ''] = /^([-+~?]?)(.*)$/.exec(word) ?? [];
    const mechanism = readMechanism(rest);
    if (mechanism === undefined) return { reason: `"${word}" can't be understood` };
    terms.push({ text: word, result: RESULTS[sign] ?? 'pass', mechanism });
  }
  return { record: { terms, ...(redirect === undefined ? {} : { redirect }) } };
}

function readMechanism(text: string): Mechanism | undefined {
  const [, name = '', value] =
    /^([a-z0-9]+)(?::(.+))?$/i.exec(text.replace(/(?:\/\d{1,3})?(?:\/\/\d{1,3})?$/, '')) ?? [];
  const kind = name.toLowerCase();
  switch (kind) {
    case 'all':
      return value === undefined ? { kind } : undefined;
    case 'ptr':
      return { kind };
    case 'include':
    case 'exists':
      return value === undefined ? undefined : { kind, domain: value };
    case 'a':
    case 'mx': {
      const [, four = '32', six = '128'] = /(?<!\/)(?:\/(\d{1,3}))?(?:\/\/(\d{1,3}))?$/.exec(text) ?? [];
      if (Number(four) > 32 || Number(six) > 128) return undefined;
      const where = value === undefined ? {} : { domain: value };
      return { kind, ...where, prefix4: Number(four), prefix6: Number(six) };
    }
    case 'ip4':
    case 'ip6':
      return readNetwork(text.slice(4), kind === 'ip4' ? 4 : 16);
    default:
      return undefined;
  }
}

function readNetwork(text: string, length: number): Mechanism | undefined {
  const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const octets = addressOctets(address);
  const prefix = digits === undefined ? length * 8 : Number(digits);
  if (octets?.length !== length || prefix > length * 8) return undefined;
  return { kind: 'ip', octets, prefix };
}

/** Whether the first bits of two addresses of one family are the same. */
export function inNetwork(address: readonly number[], network: readonly number[], prefix: number): boolean {
  if (address.length !== network.length) return false;
  return network.every((octet, index) => {
    const bits = Math.min(8, Math.max(0, prefix - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return ((octet ^ (address[index] ?? 0)) & mask) === 0;
  });
}
