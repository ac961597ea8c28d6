import { readDomain } from '../mail/domain.ts';
import { quoted } from '../mail/printable.ts';
import { addressOctets, withPort } from '../net/local-address.ts';
import type { TlsLevel } from './settings.ts';

/** A server that takes everything (a smarthost), as its URL says. */
export interface Relay {
  readonly protocol: 'smtp' | 'lmtp';
  /** A name with A-labels in lower case, an address without brackets, or a socket's path. */
  readonly host: string;
  /** 0 for a socket's path. */
  readonly port: number;
  readonly implicitTls: boolean;
  /** What is asked for where the settings say nothing. */
  readonly tls: TlsLevel;
  /** The name to log in with. */
  readonly user?: string;
  /** The URL without credentials. */
  readonly display: string;
}

export type RelayReading = { readonly relay: Relay } | { readonly reason: string };

type Scheme = Pick<Relay, 'protocol' | 'port' | 'implicitTls' | 'tls'>;

// LMTP is spoken inside a machine or a cluster (RFC 2033, section 5), where hardly anyone has certificates.
const SCHEMES: Readonly<Record<string, Scheme>> = {
  smtp: { protocol: 'smtp', port: 25, implicitTls: false, tls: 'verify' },
  smtps: { protocol: 'smtp', port: 465, implicitTls: true, tls: 'verify' },
  'smtp+starttls': { protocol: 'smtp', port: 587, implicitTls: false, tls: 'verify' },
  lmtp: { protocol: 'lmtp', port: 24, implicitTls: false, tls: 'may' },
};
const UNIX = 'lmtp+unix';
const FORMS = 'it is smtp://, smtps://, smtp+starttls:// or lmtp:// with a host, or lmtp+unix: with a path';
// Room for a long user and a long name.
const MAX_URL = 2048;
// sun_path holds 108 octets with the NUL.
const MAX_PATH = 107;

/** Reads `smtp://user@host:port` and its kin. A reason never holds what stands before the `@`. */
export function parseRelay(text: string): RelayReading {
  const reading = text.length > MAX_URL ? { reason: `it is longer than ${MAX_URL} characters` } : read(text);
  return 'relay' in reading ? reading : { reason: `Cannot use relay ${quoted(withoutUser(text))}: ${reading.reason}` };
}

/** A URL for a message: without what may be a user or, where the `@` was forgotten, a password in the place of the port. */
export function withoutUser(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^[a-z0-9+]{1,20}:(?:\/\/)?/i.exec(text)?.[0] ?? '';
  const rest = at < 0 ? text.slice(scheme.length) : `<user>${text.slice(at)}`;
  return scheme + rest.replace(/:(?![0-9]*\/?$)[^:\]]*$/, ':…');
}

function read(text: string): RelayReading {
  if (/[\0-\x20\x7f]/.test(text)) return { reason: 'it has blanks or control characters in it' };
  const [, name = '', rest = ''] = /^([A-Za-z+]+):(.*)$/.exec(text) ?? [];
  if (name.toLowerCase() === UNIX) return readSocket(rest);
  const scheme = SCHEMES[name.toLowerCase()];
  if (scheme === undefined || !Object.hasOwn(SCHEMES, name.toLowerCase()) || !rest.startsWith('//')) {
    return { reason: FORMS };
  }
  const authority = rest.slice(2).replace(/\/$/, '');
  const at = authority.lastIndexOf('@');
  const user = at < 0 ? undefined : readUser(authority.slice(0, at));
  if (user !== undefined && 'reason' in user) return user;
  const place = readPlace(authority.slice(at + 1), scheme.port);
  if ('reason' in place) return place;
  const { host, port } = place;
  const relay = { ...scheme, host, port, display: `${name.toLowerCase()}://${withPort(host, port)}` };
  return { relay: user === undefined ? relay : { ...relay, user: user.user } };
}

function readUser(text: string): { readonly user: string } | { readonly reason: string } {
  if (text.includes(':')) {
    return { reason: 'a password does not belong in it: use --password-file, --password-command or the environment' };
  }
  const user = decoded(text);
  if (user === undefined) return { reason: 'the user has a percent sign without two hexadecimal digits of UTF-8' };
  if (user === '') return { reason: 'the user is empty' };
  return /[\0-\x1f\x7f]/.test(user) ? { reason: 'the user has control characters in it' } : { user };
}

function readPlace(text: string, usual: number): { readonly host: string; readonly port: number } | { reason: string } {
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text);
  if (parts === null) return { reason: 'an IPv6 address needs brackets, and only a port may follow the host' };
  const [, literal, name = '', digits] = parts;
  const port = digits === undefined ? usual : /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) return { reason: 'the port is not a number from 1 to 65535' };
  if (literal !== undefined) {
    const isIPv6 = literal.includes(':') && addressOctets(literal) !== undefined;
    return isIPv6 ? { host: literal.toLowerCase(), port } : { reason: 'what stands in brackets is no IPv6 address' };
  }
  if (addressOctets(name) !== undefined) return { host: name, port };
  if (name === '') return { reason: 'the host is missing' };
  if (/[/?#\\]/.test(name)) return { reason: 'nothing may follow the host but a port' };
  const reading = readDomain(name);
  return 'domain' in reading ? { host: reading.domain, port } : { reason: `the host is none: ${reading.reason}` };
}

function readSocket(text: string): RelayReading {
  const path = decoded(text.replace(/^\/\/(?=\/)/, ''));
  if (path === undefined) return { reason: 'the path has a percent sign without two hexadecimal digits of UTF-8' };
  if (!path.startsWith('/') || path.startsWith('//')) return { reason: 'the path does not start with one slash' };
  if (/[\0-\x1f\x7f]/.test(path)) return { reason: 'the path has control characters in it' };
  if (Buffer.byteLength(path) > MAX_PATH) return { reason: `the path is longer than ${MAX_PATH} octets` };
  const display = `${UNIX}:${path}`;
  return { relay: { protocol: 'lmtp', host: path, port: 0, implicitTls: false, tls: 'none', display } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
