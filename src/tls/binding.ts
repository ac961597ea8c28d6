import { createHash } from 'node:crypto';
import type { ChannelBinding } from '../smtp/sasl/binding.ts';

/*
 * The channel bindings of a TLS connection, pure: `tls-exporter` where it is TLS 1.3 (in 1.2 it is only safe with an
 * extension of which Node says nothing), and `tls-server-end-point` where the certificate's signature has one hash.
 */
export interface BoundConnection {
  /** As `getProtocol` of node:tls says it. */
  readonly protocol: string | null;
  /** The server's certificate, DER. */
  readonly certificate: Buffer | undefined;
  /** RFC 5705, section 4. @throws where the connection is gone */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
}

/** Best first. */
export function bindingsOf(connection: BoundConnection): readonly ChannelBinding[] {
  return [...exporter(connection), ...endPoint(connection.certificate)];
}

/** RFC 9266, section 2: 32 octets, and a context of none. */
function exporter({ protocol, exportKeyingMaterial }: BoundConnection): readonly ChannelBinding[] {
  if (protocol !== 'TLSv1.3') return [];
  try {
    const bytes = exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    return [{ type: 'tls-exporter', bytes }];
  } catch {
    return [];
  }
}

/** RFC 5929, section 4.1. */
function endPoint(certificate: Buffer | undefined): readonly ChannelBinding[] {
  const hash = certificate === undefined ? undefined : signatureHash(certificate);
  if (certificate === undefined || hash === undefined) return [];
  return [{ type: 'tls-server-end-point', bytes: createHash(hash).update(certificate).digest() }];
}

/** Object identifiers, DER in hex: of signatures, and of the hashes that RSASSA-PSS names. MD5 and SHA-1 count as SHA-256. */
const HASHES: Readonly<Record<string, string>> = {
  // PKCS #1 (RFC 8017): MD5, SHA-1, SHA-256, SHA-384, SHA-512, SHA-224.
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  // ECDSA (RFC 5758): SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
  '2a8648ce3d0401': 'sha256',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  // The hashes: SHA-1, SHA-256, SHA-384, SHA-512, SHA-224.
  '2b0e03021a': 'sha256',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};
const RSASSA_PSS = '2a864886f70d01010a';
const SEQUENCE = 0x30;
const IDENTIFIER = 0x06;
/** The first parameter of RSASSA-PSS (RFC 4055, section 3.1). */
const PSS_HASH = 0xa0;

/** The hash of a certificate's signature; undefined where it has none of its own, as Ed25519, or is no certificate. */
export function signatureHash(der: Buffer): string | undefined {
  const certificate = element(der, SEQUENCE);
  const signed = certificate && element(certificate.content, SEQUENCE);
  const algorithm = signed && element(signed.rest, SEQUENCE);
  const name = algorithm && element(algorithm.content, IDENTIFIER);
  if (name === undefined) return undefined;
  const identifier = name.content.toString('hex');
  return identifier === RSASSA_PSS ? pssHash(name.rest) : known(identifier);
}

/** SHA-1 where it is not said. */
function pssHash(parameters: Buffer): string | undefined {
  const all = element(parameters, SEQUENCE);
  if (all === undefined) return undefined;
  if (all.content[0] !== PSS_HASH) return 'sha256';
  const hash = element(all.content, PSS_HASH);
  const algorithm = hash && element(hash.content, SEQUENCE);
  const name = algorithm && element(algorithm.content, IDENTIFIER);
  return name && known(name.content.toString('hex'));
}

const known = (identifier: string): string | undefined =>
  Object.hasOwn(HASHES, identifier) ? HASHES[identifier] : undefined;

/** The first element of DER, where it has this tag, and what stands behind it; undefined where it is cut short. */
function element(der: Buffer, tag: number): { readonly content: Buffer; readonly rest: Buffer } | undefined {
  const [first, short = 0] = der;
  if (first !== tag || der.length < 2) return undefined;
  // Longer than four octets is no certificate; 0x80 is not DER.
  const octets = short < 0x80 ? 0 : short & 0x7f;
  if (short === 0x80 || octets > 4 || der.length < 2 + octets) return undefined;
  const length = octets === 0 ? short : der.readUIntBE(2, octets);
  const start = 2 + octets;
  if (der.length - start < length) return undefined;
  return { content: der.subarray(start, start + length), rest: der.subarray(start + length) };
}
