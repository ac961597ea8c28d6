import { parseSender } from '../mail/address-list.ts';
import { readDomain, readLiteral } from '../mail/domain.ts';
import { isMechanism, MECHANISM_NAMES } from '../mail/mechanism.ts';
import { addressOctets } from '../net/local-address.ts';
import { parseDuration } from './duration.ts';
import { FINGERPRINT, parseFingerprint } from './fingerprint.ts';
import { parseGlob } from './glob.ts';
import { parseRate, type Rate } from './rate.ts';
import type { SocksProxy } from './settings.ts';
import { parseSize } from './size.ts';
import { FORMS, parseVia, type Via } from './via.ts';

/** The value that a text or number of the configuration stands for, or the phrase that says what it must be. */
export type Reading<T> = { readonly value: T } | { readonly allowed: string };

const reading = <T>(value: T | undefined, allowed: string): Reading<T> =>
  value === undefined ? { allowed } : { value };

export function readDomainName(text: string): Reading<string> {
  const result = readDomain(text);
  return 'domain' in result ? { value: result.domain } : { allowed: `a domain name (${result.reason})` };
}

/** Our name in EHLO: a domain name or an address literal; `localhost` says nothing, and some servers refuse it. */
export function readHostname(text: string): Reading<string> {
  const literal = /^\[(.+)\]$/.exec(text)?.[1];
  const result = literal === undefined ? readDomain(text) : readLiteral(literal);
  if (!('domain' in result)) return { allowed: `a domain name or an address in brackets (${result.reason})` };
  return reading(
    /^localhost(\.|$)/.test(result.domain) ? undefined : result.domain,
    'a name that others know this host by',
  );
}

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`. */
export function readServer(text: string): Reading<{ readonly address: string; readonly port: number }> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  const port = Number(digits ?? 53);
  const known = isAddress(address) && (bracketed === undefined || address.includes(':')) && port >= 1 && port <= 65_535;
  return reading(
    known ? { address, port } : undefined,
    'an IP address, with a port or without: "192.0.2.1", "[2001:db8::1]:53"',
  );
}

const isAddress = (text: string): boolean => 'domain' in readLiteral(text.includes(':') ? `IPv6:${text}` : text);

export const readFingerprint = (text: string): Reading<string> =>
  reading(parseFingerprint(text), `a SHA-256 fingerprint: ${FINGERPRINT}`);

/** A server that takes longer for one reply is not waited for. */
const LONGEST_SECONDS = 86_400;

/** Seconds, from a number of them or a duration. */
export function readSeconds(given: number | string): Reading<number> {
  const seconds = typeof given === 'number' ? given : (parseDuration(given) ?? 0) / 1000;
  const fits = seconds > 0 && seconds <= LONGEST_SECONDS;
  return reading(fits ? seconds : undefined, 'seconds or a duration such as "5m", more than 0 and at most a day');
}

/** Octets, from a number of them or a size. */
export function readOctets(given: number | string): Reading<number> {
  const octets = typeof given === 'number' ? given : parseSize(given);
  const fits = octets !== undefined && Number.isSafeInteger(octets) && octets >= 0;
  return reading(fits ? octets : undefined, 'a number of bytes or a size such as "25MB"; 0 is no limit');
}

/** Milliseconds, from a duration or a number of seconds; 0 has a meaning of its own to who allows it. */
export function readMilliseconds(given: number | string): Reading<number> {
  const milliseconds = typeof given === 'number' ? given * 1000 : parseDuration(given);
  const fits = milliseconds !== undefined && milliseconds >= 0 && milliseconds <= LONGEST_MILLISECONDS;
  return reading(fits ? milliseconds : undefined, 'seconds or a duration such as "2h", at most a year');
}

const LONGEST_MILLISECONDS = 366 * 86_400_000;

export const MECHANISM = `the name of a mechanism: ${MECHANISM_NAMES.join(', ')}`;

/** In any letters, as it is written. */
export const readMechanism = (text: string): Reading<string> =>
  reading(isMechanism(text.toUpperCase()) ? text : undefined, MECHANISM);

export const RATE = 'so many messages in a time, such as "30/min"';

/** Messages in a second, minute, hour or day. */
export const readRate = (text: string): Reading<Rate> => reading(parseRate(text), RATE);

/** A way, as `parseVia` reads it: the text is kept, since its paths are made absolute later. */
export function readVia(text: string): Reading<string> {
  const result = parseVia(text);
  return 'via' in result ? { value: text } : { allowed: wayWithout(result.reason) };
}

/** The same, of an account: it can't be another account. */
export function readUrl(text: string): Reading<string> {
  const result = parseVia(text);
  if (!('via' in result)) return { allowed: wayWithout(result.reason) };
  return result.via.kind === 'account' ? { allowed: 'a way for mail that is no account' } : { value: text };
}

/** The text stands behind it already. */
const wayWithout = (reason: string): string =>
  `a way for mail: ${reason.replace(/^Cannot use relay "(?:[^"\\]|\\.)*": /, '')}`;

export const WAY = `a way for mail: it is ${FORMS}`;

/** A pattern of addresses, in the form that `matches` takes; nobody is no recipient. */
export function readGlob(text: string): Reading<string> {
  return text === '<>' ? { allowed: 'a pattern of addresses: only a sender is "<>"' } : readSenderGlob(text);
}

/** The same, of senders. */
export function readSenderGlob(text: string): Reading<string> {
  const result = parseGlob(text);
  return 'glob' in result ? { value: result.glob } : { allowed: `a pattern of addresses: ${result.reason}` };
}

/** `alerts@example.com`, with `%u` and `%h` in it; the text is kept. */
export function readFromPattern(text: string): Reading<string> {
  const plain = text.replaceAll('%%', '').replace(/%[uh]/g, 'x');
  const address = parseSender(plain, { domain: 'example.test' });
  const isRight = !plain.includes('%') && 'address' in address && address.address !== null;
  return reading(isRight ? text : undefined, 'an address, with "%u" for the user and "%h" for the host');
}

export const readIp = (text: string): Reading<string> =>
  reading(addressOctets(text) === undefined ? undefined : text, 'an IP address');

const PROXY = 'a proxy such as "socks5://127.0.0.1:1080"';

/** `socks5://user:password@host:1080`. What is wrong with it is not repeated: a password may be in it. */
export function readProxy(text: string): Reading<SocksProxy> {
  const match =
    /^socks5h?:\/\/(?:([^:@/]{1,255}):([^@/]{1,255})@)?(\[[0-9a-f:.]+\]|[^:@/[\]]{1,253})(?::(\d{1,5}))?\/?$/i;
  const [, user, password, name = '', digits] = match.exec(text) ?? [];
  const host = name.replace(/^\[|\]$/g, '');
  const port = Number(digits ?? 1080);
  const isHost = addressOctets(host) !== undefined || 'domain' in readDomain(host) || host === 'localhost';
  const login = user === undefined || password === undefined ? {} : decoded({ user, password });
  if (!isHost || port < 1 || port > 65_535 || login === undefined) return { allowed: PROXY };
  return { value: { host, port, ...login } };
}

type ProxyLogin = Required<Pick<SocksProxy, 'user' | 'password'>>;

function decoded({ user, password }: ProxyLogin): ProxyLogin | undefined {
  try {
    return { user: decodeURIComponent(user), password: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

/** A server that keeps mailboxes, mostly on this host. */
const isLmtp = (via: Via): boolean => via.kind === 'relay' && via.relay.protocol === 'lmtp';

/** Where mail for users of this host goes: `relay`, or a place here. */
export function readLocal(text: string): Reading<string> {
  if (text === 'relay' || text === 'reject') return { value: text };
  const result = parseVia(text);
  const isPlace = 'via' in result && (isLmtp(result.via) || !['mx', 'relay', 'account'].includes(result.via.kind));
  return reading(isPlace ? text : undefined, '"relay", "reject", "maildir:PATH" or another place here');
}

/** An endpoint: HTTPS, without user or fragment (RFC 6749, section 3). */
export function readHttps(text: string): Reading<string> {
  const url = URL.canParse(text) && text.length <= 2048 ? new URL(text) : undefined;
  const fits = url?.protocol === 'https:' && url.username === '' && url.password === '' && !text.includes('#');
  return reading(fits ? url.href : undefined, 'an https:// URL');
}

export const TENANT = 'the id or the domain of an organisation, "common" or "organizations"';

export const readTenant = (text: string): Reading<string> =>
  reading(/^[\w-][\w.-]{0,99}$/.test(text) ? text : undefined, TENANT);
