/*
 * Whether the certificates that a mail server showed are those that its TLSA records name (RFC 6698, RFC 7671, RFC 7672);
 * pure. That the records are authentic is for the caller to know: without DNSSEC they prove nothing.
 *
 *   const records = usableTlsa(found);          3 and 2 with a digest or the whole thing; 0 and 1 are not for SMTP
 *   const why = whyNotDane({ chain, names, now }, records);
 *
 * Usage 3 (DANE-EE) names the server's own certificate: neither its names nor its dates count (RFC 7672, section 3.1.1).
 * Usage 2 (DANE-TA) names one that it was issued under: every step from there down must be signed and valid now, and the
 * server's certificate must have one of the names. No authority of the system is asked.
 */
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { hasName, iso } from './certificate.ts';

/** A TLSA record as DNS has it. */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: Buffer;
}

/** What a server showed. */
export interface ShownChain {
  /** The server's own first, then what it sent with it. */
  readonly chain: readonly X509Certificate[];
  /** Of which the certificate must have one, where the record is of usage 2. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

const EE = 3;
const TA = 2;
const SPKI = 1;
const WHOLE = 0;
const OCTETS: Readonly<Record<number, number>> = { 1: 32, 2: 64 };
const HASH: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' };

/** The records that a mail client can use (RFC 7672, section 3.1), of each kind those with the best digest (RFC 7671, section 9). */
export function usableTlsa(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  const usable = records.filter(isUsable);
  const isBeaten = ({ usage, selector, matching }: TlsaRecord): boolean =>
    matching === 1 &&
    usable.some((other) => other.usage === usage && other.selector === selector && other.matching === 2);
  return usable.filter((record) => !isBeaten(record));
}

function isUsable({ usage, selector, matching, data }: TlsaRecord): boolean {
  if ((usage !== EE && usage !== TA) || (selector !== 0 && selector !== SPKI)) return false;
  if (matching !== WHOLE) return OCTETS[matching] === data.length;
  return selector === SPKI ? keyOf(data) !== undefined : certificateOf(data) !== undefined;
}

/** Why no record matches; undefined where one does. `records` are usable ones. */
export function whyNotDane(shown: ShownChain, records: readonly TlsaRecord[]): string | undefined {
  const [own] = shown.chain;
  if (own === undefined) return 'the server showed no certificate';
  if (records.some((record) => record.usage === EE && matchesTlsa(record, own))) return undefined;
  const anchors = records.filter(({ usage }) => usage === TA);
  if (anchors.length === 0) return 'no record matches its certificate';
  const path = pathToAnchor(shown.chain, anchors);
  if (path === undefined) return 'no record matches its certificate, nor one that it was issued under';
  const late = path.find((certificate) => !isValidAt(certificate, shown.now));
  if (late !== undefined) {
    return `a record matches, and its chain is valid from ${iso(late.validFrom)} to ${iso(late.validTo)} only`;
  }
  if (shown.names.some((name) => hasName(own, name))) return undefined;
  const names = [...new Set(shown.names)];
  return `a record of usage 2 matches, and the certificate is not for ${names.join(' or ')}`;
}

/** SHA-256 of a certificate's key, in hex: the data of a record 3 1 1. */
export const keyDigest = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(spkiOf(certificate) ?? NOTHING)
    .digest('hex');

const NOTHING = Buffer.alloc(0);

const spkiOf = (certificate: X509Certificate): Buffer | undefined =>
  publicKeyOf(certificate)?.export({ type: 'spki', format: 'der' });

/** Undefined where it is of a kind that OpenSSL does not know: a server may send anything behind its own. */
function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** Whether a record names this very certificate, or its key. */
export function matchesTlsa({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const bytes = selector === SPKI ? spkiOf(certificate) : certificate.raw;
  if (bytes === undefined) return false;
  const hash = HASH[matching];
  return (hash === undefined ? bytes : createHash(hash).update(bytes).digest()).equals(data);
}

// Real chains have two to four.
const MOST_STEPS = 10;

/** The certificates from the server's own up to one that a record names, or below a key that one is. */
function pathToAnchor(
  chain: readonly X509Certificate[],
  anchors: readonly TlsaRecord[],
): readonly X509Certificate[] | undefined {
  const whole = anchors.filter(({ matching }) => matching === WHOLE);
  const keys = whole.flatMap(({ selector, data }) => (selector === SPKI ? (keyOf(data) ?? []) : []));
  // RFC 7671, section 5.2.2: what stands in the record need not be sent.
  const given = whole.flatMap(({ selector, data }) => (selector === SPKI ? [] : (certificateOf(data) ?? [])));
  const known = [...chain.slice(0, MOST_STEPS), ...given.slice(0, MOST_STEPS)];
  const path: X509Certificate[] = [];
  let [current] = chain;
  while (current !== undefined && path.length < MOST_STEPS) {
    const below = current;
    path.push(below);
    if (anchors.some((record) => matchesTlsa(record, below))) return path;
    if (keys.some((key) => isSignedBy(below, key))) return path;
    current = known.find((above) => !path.includes(above) && above.ca && isIssuedBy(below, above));
  }
  return undefined;
}

const isIssuedBy = (below: X509Certificate, above: X509Certificate): boolean =>
  below.checkIssued(above) && isSignedBy(below, publicKeyOf(above));

function isSignedBy(certificate: X509Certificate, key: KeyObject | undefined): boolean {
  try {
    return key !== undefined && certificate.verify(key);
  } catch {
    return false;
  }
}

const isValidAt = ({ validFrom, validTo }: X509Certificate, now: number): boolean =>
  Date.parse(validFrom) <= now && now <= Date.parse(validTo);

function keyOf(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, type: 'spki', format: 'der' });
  } catch {
    return undefined;
  }
}

function certificateOf(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}
