/*
 * Words of a header that we write ourselves: display names and mailboxes, in ASCII whatever they hold. What fits is
 * written as it is (atoms), then as a quoted string (RFC 5322, section 3.2.4), and what isn't ASCII as encoded words
 * (RFC 2047), each at most 75 characters and made of whole characters.
 */
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/;
/** RFC 2047, section 2. */
const WORD_LENGTH = 75;

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** How an octet is written in Q: only what any place in a header allows stays itself (RFC 2047, section 5). */
function q(octet: number): string {
  const char = String.fromCharCode(octet);
  if (octet === 0x20) return '_';
  return /[A-Za-z0-9!*+/-]/.test(char) ? char : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

const qLength = (bytes: Buffer): number => bytes.reduce((sum, octet) => sum + q(octet).length, 0);
const continues = (octet: number): boolean => (octet & 0xc0) === 0x80;

/**
 * Bytes as encoded words with a blank between, in whichever of B and Q is shorter. No character of UTF-8 is divided.
 */
export function encodeWords(bytes: Buffer, charset: 'utf-8' | 'unknown-8bit' = 'utf-8'): string {
  const useQ = qLength(bytes) < Math.ceil(bytes.length / 3) * 4;
  const open = `=?${charset}?${useQ ? 'Q' : 'B'}?`;
  const room = WORD_LENGTH - open.length - '?='.length;
  const words: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = start;
    for (let at = start, length = 0; at < bytes.length; end = at) {
      const first = at;
      do length += q(bytes[at++] ?? 0).length;
      while (charset === 'utf-8' && at - first < 4 && continues(bytes[at] ?? 0));
      if ((useQ ? length : Math.ceil((at - start) / 3) * 4) > room) break;
    }
    const part = bytes.subarray(start, end);
    words.push(`${open}${useQ ? Array.from(part, q).join('') : part.toString('base64')}?=`);
    start = end;
  }
  return words.join(' ');
}

/** A display name as a phrase (RFC 5322, section 3.2.5), ASCII. @throws {TypeError} where it holds CR, LF or NUL */
export function formatPhrase(name: string): string {
  if (/[\r\n\0]/.test(name)) throw new TypeError('Cannot write name: it holds CR, LF or NUL');
  if (ATOMS.test(name)) return name;
  const plain = /^[ -~]*$/.test(name) && !name.includes('=?');
  return plain && name.length < 200 ? quoted(name) : encodeWords(Buffer.from(name, 'utf8'));
}

/** `name <address>`, folded before each encoded word but the first so that no line is long; the bare address without a name. */
export function formatFrom(address: string, name?: string): string {
  const phrase = name === undefined ? '' : formatPhrase(name.trim());
  if (phrase === '' || phrase === '""') return address;
  const folded = phrase.replaceAll('?= =?', '?=\r\n =?');
  const last = folded.length - folded.lastIndexOf('\n');
  return `${folded}${last + address.length > 70 ? '\r\n' : ''} <${address}>`;
}
