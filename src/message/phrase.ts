/*
 * Words of a header that we write ourselves: display names and mailboxes, in ASCII whatever they hold. What fits is
 * written as it is (atoms), then as a quoted string (RFC 5322, section 3.2.4), and what isn't ASCII as encoded words
 * (RFC 2047), each at most 75 characters and made of whole characters.
 */
import type { Address } from '../mail/address.ts';

const ATOMS = /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/;
const DOT_ATOM = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u;
/** An encoded word has 75 characters at most, `=?utf-8?B?` and `?=` included: 63 of base64, so 45 octets. */
const WORD_OCTETS = 45;

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

const octets = (text: string): number => Buffer.byteLength(text, 'utf8');

/** Q leaves letters, digits and `!*+-/` as they are, which any place in a header allows (RFC 2047, section 5). */
function q(text: string): string {
  const one = (octet: number) => {
    const char = String.fromCharCode(octet);
    if (octet === 0x20) return '_';
    return /[A-Za-z0-9!*+/-]/.test(char) ? char : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  };
  return Array.from(Buffer.from(text, 'utf8'), one).join('');
}

/** Text as encoded words with a blank between, in whichever of B and Q is shorter; `charset` names what `text` was. */
export function encodeWords(text: string): string {
  const b = Buffer.from(text, 'utf8').toString('base64');
  const useQ = q(text).length < b.length;
  const words: string[] = [];
  let word = '';
  const cost = (part: string) => (useQ ? q(part).length : Math.ceil(octets(part) / 3) * 4);
  const room = useQ ? 75 - 12 : (WORD_OCTETS / 3) * 4;
  const flush = () => {
    if (word !== '')
      words.push(`=?utf-8?${useQ ? `Q?${q(word)}` : `B?${Buffer.from(word, 'utf8').toString('base64')}`}?=`);
    word = '';
  };
  for (const char of text) {
    if (cost(word + char) > room) flush();
    word += char;
  }
  flush();
  return words.join(' ');
}

/** A display name as a phrase (RFC 5322, section 3.2.5), ASCII. @throws {TypeError} where it holds CR, LF or NUL */
export function formatPhrase(name: string): string {
  if (/[\r\n\0]/.test(name)) throw new TypeError('Cannot write name: it holds CR, LF or NUL');
  if (ATOMS.test(name)) return name;
  const plain = /^[ -~]*$/.test(name) && !name.includes('=?');
  return plain && name.length < 200 ? quoted(name) : encodeWords(name);
}

/** An address as a header has it, with the quotes its local part needs; not folded. */
export function formatMailbox(address: Address): string {
  return `${DOT_ATOM.test(address.local) ? address.local : quoted(address.local)}@${address.domain}`;
}

/** `name <address>`, folded before each encoded word but the first so that no line is long; the bare address without a name. */
export function formatFrom(address: string, name?: string): string {
  const phrase = name === undefined ? '' : formatPhrase(name.trim());
  if (phrase === '' || phrase === '""') return address;
  const folded = phrase.replaceAll('?= =?', '?=\r\n =?');
  const last = folded.length - folded.lastIndexOf('\n');
  return `${folded}${last + octets(address) > 70 ? '\r\n' : ''} <${address}>`;
}
