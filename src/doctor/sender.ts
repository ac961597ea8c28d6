import type { Resolver } from '../dns/resolver.ts';
import { addressOctets, isLocalAddress, sameAddress } from '../net/local-address.ts';
import type { Finding } from './finding.ts';
import { evaluateSpf, type SpfVerdict } from './spf.ts';

/** Who we are for a server that mail is sent to directly. */
export interface SenderQuestion {
  /** Of the envelope's sender; absent for nobody. */
  readonly domain?: string;
  /** Where servers see us; absent: not known. */
  readonly address?: string;
  /** Our name in EHLO; absent: an address literal. */
  readonly helloName?: string;
  readonly selector?: string;
  /** Addresses of this host and of private networks count, for tests. */
  readonly allowLocal: boolean;
}

/** What strangers' servers would hold against us. Never rejects. */
export async function examineSender(question: SenderQuestion, resolver: Resolver): Promise<readonly Finding[]> {
  const { domain, address, allowLocal } = question;
  const known = address !== undefined && (allowLocal || isPublic(address)) ? address : undefined;
  const parts = await Promise.all([
    judgeAddress(address, known),
    known === undefined ? [] : examineReverse(known, question, resolver),
    domain === undefined ? [] : examineDomain(domain, resolver),
    domain === undefined ? [] : examineSpf(domain, known, resolver),
    domain === undefined ? [] : examineDkim(domain, question.selector, resolver),
    domain === undefined ? [] : examineDmarc(domain, resolver),
  ]);
  return parts.flat();
}

/** Neither of this host nor of a private network (RFC 1918, RFC 4193, RFC 6598). */
export function isPublic(address: string): boolean {
  const octets = addressOctets(address);
  if (octets === undefined || isLocalAddress(address) !== undefined) return false;
  const [first = 0, second = 0] = octets;
  if (octets.length === 16) return (first & 0xfe) !== 0xfc;
  const isShared = first === 100 && second >= 64 && second < 128;
  const isPrivate = first === 10 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168);
  return !isShared && !isPrivate;
}

function judgeAddress(address: string | undefined, known: string | undefined): readonly Finding[] {
  if (known !== undefined) return [{ check: 'address', verdict: 'ok', text: `servers see us at ${known}` }];
  const text =
    address === undefined
      ? 'no server was reached: at which address servers see us is not known'
      : `we are behind address translation (${address}), and no server said at which address it sees us`;
  return [{ check: 'address', verdict: 'unknown', text }];
}

/** The name that is asked for in the reverse zone. */
export function reverseName(address: string): string {
  const octets = addressOctets(address) ?? [];
  if (octets.length === 4) return `${[...octets].reverse().join('.')}.in-addr.arpa`;
  const nibbles = octets.flatMap((octet) => [octet >> 4, octet & 15]).map((nibble) => nibble.toString(16));
  return `${nibbles.reverse().join('.')}.ip6.arpa`;
}

const ASK_PROVIDER = 'Ask who gave you the address to set its name (reverse DNS), or send through a relay';

async function examineReverse(
  address: string,
  { helloName }: SenderQuestion,
  resolver: Resolver,
): Promise<readonly Finding[]> {
  const type = address.includes(':') ? 'AAAA' : 'A';
  const leadsHere = async (name: string): Promise<boolean | undefined> => {
    const answer = await resolver.resolve(name, type);
    if (answer.kind === 'unknown') return undefined;
    return answer.kind === 'found' && answer.records.some((one) => sameAddress(one, address));
  };
  const answer = await resolver.resolve(reverseName(address), 'PTR');
  const names = answer.kind === 'found' ? answer.records.slice(0, 5) : [];
  const confirmed = await Promise.all(names.map(leadsHere));
  const base = { check: 'reverse', subject: address } as const;
  const hello = helloName === undefined ? [] : [judgeHello(helloName, address, await leadsHere(helloName))];
  if (answer.kind === 'unknown') return [{ ...base, verdict: 'unknown', text: answer.text }, ...hello];
  if (names.length === 0) {
    const text = 'the address has no name: many servers refuse mail from it';
    return [{ ...base, verdict: 'warning', text, advice: ASK_PROVIDER }, ...hello];
  }
  const good = names.find((_, index) => confirmed[index] === true);
  if (good !== undefined)
    return [{ ...base, verdict: 'ok', text: `its name is ${good}, which leads back to it` }, ...hello];
  if (confirmed.includes(undefined)) {
    return [{ ...base, verdict: 'unknown', text: `where its name ${names[0]} leads is not known` }, ...hello];
  }
  const text = `its name ${names[0]} does not lead back to it: many servers refuse mail from it`;
  return [{ ...base, verdict: 'warning', text, advice: ASK_PROVIDER }, ...hello];
}

function judgeHello(name: string, address: string, leads: boolean | undefined): Finding {
  const base = { check: 'ehlo', subject: name } as const;
  if (leads === true) return { ...base, verdict: 'ok', text: `our name in EHLO leads to ${address}` };
  if (leads === undefined) return { ...base, verdict: 'unknown', text: 'where our name in EHLO leads is not known' };
  const advice = 'Set "hostname" to the name that the address has in reverse DNS';
  return { ...base, verdict: 'warning', text: `our name in EHLO does not lead to ${address}`, advice };
}

async function examineDomain(domain: string, resolver: Resolver): Promise<readonly Finding[]> {
  const base = { check: 'sender', subject: domain } as const;
  const [mx, a, aaaa] = await Promise.all([
    resolver.resolve(domain, 'MX'),
    resolver.resolve(domain, 'A'),
    resolver.resolve(domain, 'AAAA'),
  ]);
  if (mx.kind === 'found' && mx.records.every(({ exchange }) => exchange === '')) {
    const text = 'our sender’s domain takes no mail (null MX): many servers refuse such senders';
    return [{ ...base, verdict: 'warning', text, advice: 'Use a sender that can be answered (-f, "from")' }];
  }
  if ([mx, a, aaaa].some(({ kind }) => kind === 'found')) {
    return [{ ...base, verdict: 'ok', text: 'our sender’s domain exists' }];
  }
  if ([mx, a, aaaa].some(({ kind }) => kind === 'unknown')) {
    return [{ ...base, verdict: 'unknown', text: 'whether our sender’s domain exists is not known' }];
  }
  const text = 'our sender’s domain does not exist in DNS: servers refuse mail from it, and no bounce would arrive';
  return [
    {
      ...base,
      verdict: 'failure',
      text,
      advice: 'Use a sender whose domain exists: -f ADDRESS, or "from" in the configuration',
    },
  ];
}

async function examineSpf(
  domain: string,
  address: string | undefined,
  resolver: Resolver,
): Promise<readonly Finding[]> {
  const base = { check: 'spf', subject: domain } as const;
  if (address === undefined)
    return [{ ...base, verdict: 'unknown', text: 'it depends on the address that servers see' }];
  return [{ ...base, ...judgeSpf(await evaluateSpf(domain, address, resolver), address) }];
}

function judgeSpf({ result, why }: SpfVerdict, address: string): Pick<Finding, 'verdict' | 'text' | 'advice'> {
  const text = `${result}: ${why}`;
  const mechanism = address.includes(':') ? `ip6:${address}` : `ip4:${address}`;
  const advice = `Add ${mechanism} to the SPF record, or send through the domain’s own relay`;
  switch (result) {
    case 'pass':
      return { verdict: 'ok', text: `${address} may send for it: ${why}` };
    case 'fail':
      return { verdict: 'failure', text, advice };
    case 'softfail':
    case 'neutral':
      return { verdict: 'warning', text, advice };
    case 'none':
      return { verdict: 'warning', text, advice: `Publish one, such as "v=spf1 ${mechanism} -all"` };
    case 'permerror':
      return { verdict: 'warning', text, advice: 'Mend the record: servers treat it as none, or refuse' };
    case 'temperror':
    case 'unknown':
      return { verdict: 'unknown', text };
  }
}

const SIGNS = 'Send through the domain’s own relay, which signs, or have whoever signs publish the key';

async function examineDkim(
  domain: string,
  selector: string | undefined,
  resolver: Resolver,
): Promise<readonly Finding[]> {
  const check = 'dkim';
  if (selector === undefined) {
    const answer = await resolver.resolve(`_domainkey.${domain}`, 'TXT');
    if (answer.kind !== 'nothing' || answer.exists) {
      const text = 'which key signs is not known: name its selector with --dkim-selector';
      return [{ check, verdict: 'unknown', subject: domain, text }];
    }
    const text = 'the domain has no DKIM key: nothing can be signed for it';
    return [{ check, verdict: 'warning', subject: domain, text, advice: SIGNS }];
  }
  const subject = `${selector}._domainkey.${domain}`;
  const answer = await resolver.resolve(subject, 'TXT');
  if (answer.kind === 'unknown') return [{ check, verdict: 'unknown', subject, text: answer.text }];
  const record = answer.kind === 'found' ? answer.records.find((text) => /(?:^|;)\s*p\s*=/.test(text)) : undefined;
  if (record === undefined)
    return [{ check, verdict: 'warning', subject, text: 'there is no DKIM key of this selector', advice: SIGNS }];
  // RFC 6376, section 3.6.1.
  const key = /(?:^|;)\s*p\s*=\s*([^;]*)/.exec(record)?.[1]?.replace(/\s+/g, '') ?? '';
  if (key === '') return [{ check, verdict: 'warning', subject, text: 'the DKIM key is revoked', advice: SIGNS }];
  return [{ check, verdict: 'ok', subject, text: 'the DKIM key is there' }];
}

/** The record of the domain, or else of the nearest one above it down to two labels; in eight steps at most. */
async function examineDmarc(domain: string, resolver: Resolver): Promise<readonly Finding[]> {
  const labels = domain.split('.');
  const names = labels.map((_, index) => labels.slice(index).join('.')).slice(0, Math.max(1, labels.length - 1));
  for (const name of [...names.slice(0, 1), ...names.slice(1).slice(-7)]) {
    const answer = await resolver.resolve(`_dmarc.${name}`, 'TXT');
    if (answer.kind === 'unknown') return [{ check: 'dmarc', verdict: 'unknown', subject: domain, text: answer.text }];
    const record =
      answer.kind === 'found' ? answer.records.find((text) => /^v=DMARC1\s*(?:;|$)/i.test(text)) : undefined;
    if (record === undefined) continue;
    const policy = policyIn(record, name !== domain);
    const strict = policy === 'none' ? '' : ': mail that passes neither SPF nor DKIM for the domain in From is refused';
    return [{ check: 'dmarc', verdict: 'ok', subject: name, text: `the policy is ${policy}${strict}` }];
  }
  const advice = 'Publish one, such as "v=DMARC1; p=none", as Gmail and others want it';
  return [{ check: 'dmarc', verdict: 'warning', subject: domain, text: 'there is no DMARC record', advice }];
}

function policyIn(record: string, isBelow: boolean): string {
  const tag = (name: string): string | undefined =>
    new RegExp(`;\\s*${name}\\s*=\\s*(none|quarantine|reject)`, 'i').exec(record)?.[1]?.toLowerCase();
  return (isBelow ? tag('sp') : undefined) ?? tag('p') ?? 'none';
}
