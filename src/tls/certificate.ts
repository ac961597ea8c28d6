/**
 * Whether a certificate is the one that was asked for; pure.
 *
 * Names follow RFC 9525: only the subjectAltName counts (never the common name), a wildcard only as the whole left-most
 * label, an address only by an iPAddress entry. OpenSSL does the comparing; what Node's own check allows beyond that
 * (certificates with a common name alone, `f*.example.org`) is refused here.
 */
import type { X509Certificate } from 'node:crypto';
import { quoted } from '../mail/printable.ts';
import type { TlsPlan } from './policy.ts';

/** What the handshake found out. */
export interface Evidence {
  readonly certificate: X509Certificate | undefined;
  /** OpenSSL's reason why the chain is not trusted, such as `CERT_HAS_EXPIRED`. */
  readonly chainError: string | undefined;
}

/** Why the certificate does not pass the plan's check; undefined where it does. */
export function whyRefused(evidence: Evidence, plan: TlsPlan): string | undefined {
  const { certificate, chainError } = evidence;
  if (certificate === undefined) return 'the server showed no certificate';
  if (plan.check === 'pinned') return isPinned(certificate, plan) ? undefined : pinText(certificate);
  if (chainError !== undefined) return chainText(certificate, chainError);
  const names = plan.names.length > 0 ? plan.names : plan.servername === undefined ? [] : [plan.servername];
  if (names.some((name) => hasName(certificate, name))) return undefined;
  const wanted = names.map((name) => quoted(name)).join(' or ');
  return `it is for ${namesOf(certificate)}, ${wanted === '' ? 'and no name was asked for' : `not for ${wanted}`}`;
}

/** SHA-256 of the certificate (DER), lower-case hex pairs with colons. */
export const fingerprintOf = (certificate: X509Certificate): string => certificate.fingerprint256.toLowerCase();

/** Whether the subjectAltName has this domain name or IP address. */
export function hasName(certificate: X509Certificate, name: string): boolean {
  const bare = name.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1');
  if (/^[0-9.]+$|:/.test(bare)) return certificate.checkIP(bare) !== undefined;
  return certificate.checkHost(bare, { subject: 'never', partialWildcards: false }) !== undefined;
}

function isPinned(certificate: X509Certificate, plan: TlsPlan): boolean {
  const own = bareHex(certificate.fingerprint256);
  return plan.fingerprints.some((fingerprint) => bareHex(fingerprint) === own);
}

const bareHex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

const pinText = (certificate: X509Certificate): string => `its fingerprint is ${fingerprintOf(certificate)}`;

const REASONS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in an unknown root',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known',
  CERT_UNTRUSTED: 'its issuer is not trusted',
  CERT_REVOKED: 'it is revoked',
  INVALID_PURPOSE: 'it is not for servers',
};

function chainText(certificate: X509Certificate, code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return `it or its issuer has expired; it is valid until ${iso(certificate.validTo)}`;
  if (code === 'CERT_NOT_YET_VALID') return `it is not valid before ${iso(certificate.validFrom)}`;
  return REASONS[code] ?? code.toLowerCase().replaceAll('_', ' ');
}

/** ISO 8601 of the date that X509Certificate gives. */
export function iso(date: string): string {
  const time = new Date(date);
  return Number.isNaN(time.getTime()) ? date : time.toISOString();
}

function namesOf(certificate: X509Certificate): string {
  const names = certificate.subjectAltName;
  return names === undefined ? 'no name at all (it has no subjectAltName)' : quoted(names, 300);
}
