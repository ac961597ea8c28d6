/*
 * Domains as an envelope may name them: A-labels in lower case, or an address literal (RFC 5321, section 4.1.3).
 *
 * `readDomain` takes what stands behind the `@` and answers with the domain or the reason why it is none. Nothing is
 * looked up. IDNA is done by `domainToASCII` of node:url, which is the host parser of URLs and does more than asked:
 * it ends at `/`, decodes `%2e`, drops invisible characters and turns `1.1` into `1.0.0.1`. So it only ever sees names
 * of letters, digits, hyphens, underscores and dots, and what it answers is checked again. The underscore is no
 * host name's (RFC 952), but mail domains with one exist.
 */
import { domainToASCII, domainToUnicode } from 'node:url';

/** RFC 1035, section 3.1: 255 octets with the length octets, so 253 characters. */
const LONGEST_DOMAIN = 253;
const LONGEST_LABEL = 63;
/** U-labels are hardly longer than their A-labels; past this, IDNA (slower than linear) is not tried. */
const LONGEST_UNICODE_DOMAIN = 4 * LONGEST_DOMAIN;

/** What IDNA would drop without a word; the joiners U+200C and U+200D mean something (RFC 5892, appendix A). */
const isInvisible = (text: string): boolean => /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/u.test(text);

export type DomainReading = { readonly domain: string } | { readonly reason: string };

/** The domain with A-labels in lower case, without a final dot; `undefined` where it can't be written so. */
export function toAscii(domain: string): string | undefined {
  const reading = readDomain(domain);
  return 'domain' in reading ? reading.domain : undefined;
}

/** The domain for people, with U-labels; as it came where its A-labels are not what those U-labels would give. */
export function toUnicode(domain: string): string {
  if (!/(?:^|\.)xn--/i.test(domain)) return domain;
  const unicode = domainToUnicode(domain);
  return toAscii(unicode) === domain.toLowerCase() ? unicode : domain;
}

/** Reads a domain name; one that a resolver or a URL could take for an IP address is refused. */
export function readDomain(text: string): DomainReading {
  if (text.length > LONGEST_UNICODE_DOMAIN) return { reason: `domain is longer than ${LONGEST_DOMAIN} characters` };
  if (/[\0-,/:-@[-^`{-\x7f]/.test(text)) return { reason: 'domain has a character that no domain may have' };
  let domain = text.toLowerCase();
  if (/[^\0-\x7f]/.test(text)) {
    if (isInvisible(text)) return { reason: 'domain has an invisible character' };
    domain = domainToASCII(text);
    if (domain === '') return { reason: 'domain is not a valid internationalized name' };
  }
  if (domain.endsWith('.')) domain = domain.slice(0, -1);
  return fault(domain) ?? { domain };
}

function fault(domain: string): { reason: string } | undefined {
  if (domain === '') return { reason: 'domain is missing' };
  if (domain.length > LONGEST_DOMAIN) return { reason: `domain is longer than ${LONGEST_DOMAIN} characters` };
  const labels = domain.split('.');
  if (labels.includes('')) return { reason: 'domain has an empty label' };
  if (labels.some((label) => label.length > LONGEST_LABEL))
    return { reason: `domain has a label longer than ${LONGEST_LABEL} characters` };
  if (labels.some((label) => !/^[a-z0-9_-]+$/.test(label)))
    return { reason: 'domain has a character that no domain may have' };
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? ''))
    return { reason: 'domain looks like an IP address: write it in brackets' };
  return undefined;
}

/** Reads what stands between the brackets of an address literal: IPv4, or IPv6 behind its tag; no zone ids. */
export function readLiteral(text: string): DomainReading {
  const literal = text.trim();
  if (
    /^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(literal) &&
    literal.split('.').every((octet) => Number(octet) < 256)
  )
    return { domain: `[${literal}]` };
  const tagged = /^ipv6:([0-9a-f:.]{2,45})$/i.exec(literal)?.[1];
  if (tagged !== undefined && URL.canParse(`http://[${tagged}]`))
    return { domain: `[IPv6:${new URL(`http://[${tagged}]`).hostname.slice(1, -1)}]` };
  return { reason: 'address literal is neither [IPv4] nor [IPv6:address]' };
}
