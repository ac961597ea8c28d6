import type { X509Certificate } from 'node:crypto';
import type { FoundTlsa } from '../dns/tlsa.ts';
import { keyDigest, type TlsaRecord, usableTlsa, whyNotDane } from '../tls/dane.ts';
import type { Finding } from './finding.ts';
import type { ShownHost } from './probe.ts';

/** A host that records were asked for. */
export interface TlsaQuestion {
  readonly host: ShownHost;
  readonly port: number;
  /** The domain whose mail it takes. */
  readonly domain: string;
  /** The MX records that led to it are authentic. */
  readonly isAuthentic: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What the TLSA records of a host mean for mail to it (RFC 7672); pure. */
export function judgeTlsa(question: TlsaQuestion, found: FoundTlsa): Finding {
  const base = { check: 'tlsa', subject: question.host.name } as const;
  switch (found.kind) {
    case 'nothing':
      return { ...base, verdict: 'ok', text: 'there are no TLSA records' };
    case 'unknown': {
      const advice = 'Senders that use DANE send nothing to it until its name servers answer';
      return { ...base, verdict: 'unknown', text: found.text, advice };
    }
    case 'found':
      return { ...base, ...judgeRecords(question, found) };
  }
}

type Judged = Pick<Finding, 'verdict' | 'text' | 'advice'>;
type Records = Extract<FoundTlsa, { kind: 'found' }>;

function judgeRecords(question: TlsaQuestion, found: Records): Judged {
  const { host, port, domain, now } = question;
  const { records, base } = found;
  const about = records.length === 1 ? 'one TLSA record' : `${records.length} TLSA records`;
  const kinds = records.slice(0, 5).map(({ usage, selector, matching }) => `${usage} ${selector} ${matching}`);
  const usable = usableTlsa(records);
  if (usable.length === 0) {
    const text = `${about} (${kinds.join(', ')}), none of which mail can use`;
    return { verdict: 'warning', text, advice: 'Its operator should publish one of the kind 3 1 1 (RFC 7672)' };
  }
  const doubt = doubtAbout(question, found);
  const { chain = [], offersStartTls } = host.facts ?? {};
  if (chain.length === 0 && offersStartTls !== false) {
    return {
      verdict: 'unknown',
      text: `${about} (${kinds.join(', ')}), and its certificate was not seen`,
      ...doubt?.advice,
    };
  }
  const why =
    chain.length === 0 ? 'it offers no STARTTLS' : whyNotDane({ chain, names: [base, host.name, domain], now }, usable);
  if (why === undefined) {
    const text = `${about} (${kinds.join(', ')}), and the certificate is as they say${doubt?.text ?? ', authentic by DNSSEC'}`;
    return { verdict: 'ok', text, ...doubt?.advice };
  }
  const text = `${about} (${kinds.join(', ')}), and ${why}: senders that use DANE send nothing to it`;
  const advice = adviceFor(`_${port}._tcp.${base}`, usable, chain[0]);
  return { verdict: doubt === undefined ? 'failure' : 'warning', text: `${text}${doubt?.text ?? ''}`, advice };
}

function adviceFor(name: string, usable: readonly TlsaRecord[], own: X509Certificate | undefined): string {
  if (own === undefined) return 'Its operator has to switch STARTTLS on';
  const where = usable.length === 1 ? 'the record' : 'one of the records';
  return `Its operator has to mend ${where} at ${name}: the certificate that it shows is 3 1 1 ${keyDigest(own)}`;
}

/** Why the records do not count for us; undefined where they do. */
function doubtAbout(
  { isAuthentic, domain }: TlsaQuestion,
  { authentic }: Records,
): { readonly text: string; readonly advice?: { readonly advice: string } } | undefined {
  if (authentic && isAuthentic) return undefined;
  if (authentic) return { text: `; the MX records of ${domain} are not authentic, so they do not count` };
  const advice = 'A resolver on this host that checks DNSSEC (unbound, systemd-resolved) tells whether they count';
  return { text: '; our resolver does not vouch for them (DNSSEC)', advice: { advice } };
}
