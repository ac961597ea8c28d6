import type { Address } from './address.ts';
import type { Element } from './address-elements.ts';
import type { Token } from './address-tokens.ts';
import { readDomain, readLiteral } from './domain.ts';

export interface Mailbox {
  readonly address: Address;
  /** The display name, or the comment in its place; on one line, not decoded (RFC 2047). */
  readonly name?: string;
  /** The address had no domain. */
  readonly unqualified?: true;
}

/** Octets. RFC 5321 (4.5.3.1.1) asks servers for 64 only and some take more, but none takes longer lines than 1000. */
const LONGEST_LOCAL = 900;

/** Nearly all text is such, and the classes of Unicode take a millisecond to compile. */
const PLAIN = /^[ -~]*$/;
/** Controls, invisible formatting but the joiners, blanks but the space, lone surrogates, the mark of a decoding error. */
const isUnsafe = (text: string): boolean =>
  !PLAIN.test(text) && /(?![ \u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Z}\ufffd]/u.test(text);

type Reading<T> = T | { readonly reason: string };

/** The mailbox that an element is; `ownDomain` is what an address without a domain gets. */
export function readMailbox(element: Element, ownDomain: string): Reading<Mailbox> {
  const { phrase, angle, comments, fault } = element;
  if (fault !== undefined) return { reason: fault };
  if (angle?.length === 0) return { reason: '"<>" can only be a sender' };
  const words = angle === undefined ? phrase : withoutRoute(angle);
  if (words === undefined) return { reason: 'a route has no ":" and address behind it' };
  const at = words.findIndex((token) => token.kind === '@');
  if (angle === undefined && hasTwoWords(words)) return { reason: 'a name needs "<" and ">" around the address' };
  const local = readLocal(at < 0 ? words : words.slice(0, at));
  if ('reason' in local) return local;
  if (at < 0 && words.some((token) => token.text.includes('=?'))) return { reason: 'it is a part of an encoded name' };
  const domain = at < 0 ? readOwnDomain(ownDomain) : readDomainTokens(words.slice(at + 1));
  if ('reason' in domain) return domain;
  const name = readName(angle === undefined ? [] : phrase, comments);
  return {
    address: { local: local.local, domain: domain.domain },
    ...(name === '' ? {} : { name }),
    ...(at < 0 ? { unqualified: true } : {}),
  };
}

/** A route is dropped (RFC 5321, section 3.6.1 and appendix C). */
function withoutRoute(angle: readonly Token[]): readonly Token[] | undefined {
  if (angle[0]?.kind !== '@') return angle;
  const end = angle.findIndex((token) => token.kind === ':');
  return end < 0 || end === angle.length - 1 ? undefined : angle.slice(end + 1);
}

const isWord = (token: Token | undefined): boolean => token?.kind === 'atom' || token?.kind === 'quoted';

const hasTwoWords = (words: readonly Token[]): boolean =>
  words.some((token, index) => token.spaced && isWord(token) && isWord(words[index - 1]));

function readLocal(words: readonly Token[]): Reading<{ readonly local: string }> {
  if (words.length === 0) return { reason: 'local part is missing' };
  for (const [index, token] of words.entries()) {
    if (token.kind !== '.' && !isWord(token)) return { reason: `local part has ${described(token)}` };
    if (index % 2 === 0 ? token.kind === '.' : token.kind !== '.')
      return { reason: token.kind === '.' ? 'local part has a dot too many: quote it' : 'local part is not one word' };
  }
  if (words.length % 2 === 0) return { reason: 'local part ends with a dot: quote it' };
  const local = words.map((token) => token.text).join('');
  if (isUnsafe(local)) return { reason: 'local part has a character that is not safe or not UTF-8' };
  if (Buffer.byteLength(local) > LONGEST_LOCAL) return { reason: `local part is longer than ${LONGEST_LOCAL} octets` };
  return { local };
}

function readDomainTokens(words: readonly Token[]): Reading<{ readonly domain: string }> {
  const [first] = words;
  if (first?.kind === 'literal' && words.length === 1) return readLiteral(first.text);
  for (const [index, token] of words.entries()) {
    if (token.kind !== '.' && token.kind !== 'atom') return { reason: `domain has ${described(token)}` };
    if (token.kind === 'atom' && words[index - 1]?.kind === 'atom')
      return { reason: 'something stands behind the address: a comma may be missing' };
  }
  return readDomain(words.map((token) => token.text).join(''));
}

function readOwnDomain(domain: string): Reading<{ readonly domain: string }> {
  const literal = /^\[(.*)\]$/.exec(domain)?.[1];
  const reading = literal === undefined ? readDomain(domain) : readLiteral(literal);
  return 'domain' in reading ? reading : { reason: 'it has no domain, and there is none of our own to add' };
}

function described({ kind, text }: Token): string {
  switch (kind) {
    case 'quoted':
      return 'a quoted string';
    case 'encoded':
      return 'an encoded word';
    case 'literal':
      return 'an address literal';
    case 'comment':
    case 'fault':
      return 'a fault';
    case 'atom':
      return 'a word too many';
    case 'stray':
    case '@':
    case '.':
    case ',':
    case ';':
    case ':':
    case '<':
    case '>':
      return `a "${text}"`;
  }
}

function readName(phrase: readonly Token[], comments: readonly string[]): string {
  const words = phrase.map((token, index) => (token.spaced && index > 0 ? ` ${token.text}` : token.text));
  const name = phrase.length > 0 ? words.join('') : (comments.at(-1) ?? '');
  return name.replace(PLAIN.test(name) ? / +/g : /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\s]+/gu, ' ').trim();
}
