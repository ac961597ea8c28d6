import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { decodeBase64 } from './base64.ts';
import { type Channel, gs2Header } from './binding.ts';
import { type Exchange, type Halt, halt, saslName, say, sayLast, TOO_MANY } from './exchange.ts';
import { saslPrep } from './saslprep.ts';

/**
 * SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither shows it. The client sends its
 * name and nonce; the server adds its own nonce, the salt and the number of iterations; the client's proof follows; the
 * server's signature is checked before anything else is believed. Bound to a channel, that is part of what both prove.
 */
export interface ScramRequest {
  readonly hash: 'sha256' | 'sha1';
  readonly user: string;
  readonly password: string;
  /** Random, printable, without a comma; new for each exchange. */
  readonly nonce: string;
  /** Default `n`. */
  readonly channel?: Channel;
}

/** RFC 7677, section 4: fewer would give an impostor a proof that is quick to search. */
const MIN_ITERATIONS = 4096;
/** About half a second, in which nothing else is done. */
const MAX_ITERATIONS = 1_000_000;
/** Octets of the server's own part of the nonce; 18 to 64 are usual. */
const MAX_NONCE = 1024;
const KEY_BYTES = { sha256: 32, sha1: 20 } as const;

/** @throws {RangeError} for a nonce that can't be one. */
export function* scram(request: ScramRequest): Exchange {
  const { hash, nonce, channel = 'n' } = request;
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(nonce)) throw new RangeError('Cannot begin SCRAM: nonce is not printable');
  const user = saslPrep(request.user);
  const password = saslPrep(request.password);
  if (user === undefined) return halt('credentials', 'the user name has a character that SCRAM forbids');
  if (password === undefined) return halt('credentials', 'the password has a character that SCRAM forbids');

  const firstBare = `n=${saslName(user)},r=${nonce}`;
  const header = gs2Header(channel);
  const serverFirst = (yield say(header + firstBare)).toString('utf8');
  const early = refusalIn(serverFirst);
  if (early !== undefined) return early;
  const offer = parseServerFirst(serverFirst, nonce);
  if ('fault' in offer) return offer;

  const salted = pbkdf2Sync(password, offer.salt, offer.iterations, KEY_BYTES[hash], hash);
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text, 'utf8').digest();
  const bound = Buffer.concat([Buffer.from(header), ...(typeof channel === 'string' ? [] : [channel.bytes])]);
  const finalBare = `c=${bound.toString('base64')},r=${offer.nonce}`;
  const everything = `${firstBare},${serverFirst},${finalBare}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash(hash).update(clientKey).digest(), everything);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
  const serverFinal = (yield say(`${finalBare},p=${proof.toString('base64')}`)).toString('utf8');

  const refusal = checkServerFinal(serverFinal, hmac(hmac(salted, 'Server Key'), everything));
  if (refusal !== undefined) return refusal;
  yield sayLast('');
  return TOO_MANY;
}

interface Offer {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

/** `r=…,s=…,i=…` in this order, unknown extensions behind it (RFC 5802, section 7). */
function parseServerFirst(text: string, clientNonce: string): Offer | Halt {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,[a-zA-Z]=[^\0]*)?$/.exec(text);
  if (match === null) return halt('protocol', 'the challenge is not one of SCRAM');
  const [, nonce = '', salted = '', count = ''] = match;
  const salt = decodeBase64(salted);
  const iterations = Number(count);
  const own = nonce.length - clientNonce.length;
  if (!nonce.startsWith(clientNonce) || own === 0) return halt('server', 'the server changed the nonce');
  if (own > MAX_NONCE) return halt('protocol', 'the nonce is too long');
  if (salt === undefined) return halt('protocol', 'the salt is malformed');
  const asked = `the server asks for ${iterations} iterations`;
  if (iterations < MIN_ITERATIONS) return halt('server', `${asked}, fewer than ${MIN_ITERATIONS} are not safe`);
  if (iterations > MAX_ITERATIONS) return halt('server', `${asked}, more than ${MAX_ITERATIONS} take too long`);
  return { nonce, salt, iterations };
}

/** What the server's word for a refusal means (RFC 5802, section 7); undefined where it says none. */
function refusalIn(text: string): Halt | undefined {
  const word = /^e=([A-Za-z0-9-]{1,40})(?:,|$)/.exec(text)?.[1];
  switch (word) {
    case undefined:
      return undefined;
    case 'unsupported-channel-binding-type':
      return halt('binding', 'the server does not know this channel binding');
    case 'channel-bindings-dont-match':
      return halt('server', 'somebody stands between us and the server, or it is behind a proxy for TLS');
    case 'server-does-support-channel-binding':
      return halt('server', 'the server offers to bind the login to TLS, and somebody took that offer away');
    default:
      return halt('credentials', `the server refused: ${word}`);
  }
}

/** Undefined where the signature is the server's own; `e=` is its refusal. */
function checkServerFinal(text: string, want: Buffer): Halt | undefined {
  const refused = refusalIn(text);
  if (refused !== undefined) return refused;
  const got = decodeBase64(/^v=([A-Za-z0-9+/=]+)(?:,|$)/.exec(text)?.[1] ?? '');
  if (got !== undefined && got.length === want.length && timingSafeEqual(got, want)) return undefined;
  return halt('server', 'the server did not prove that it knows the password');
}
