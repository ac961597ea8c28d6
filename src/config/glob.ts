import { type Address, addressKey } from '../mail/address.ts';
import { readDomain } from '../mail/domain.ts';

/*
 * Patterns of addresses: `example.org` is everyone there, `*.example.org` everyone below it, `ann@example.org` one
 * person, `root@*` that name anywhere, and `*` everyone. An asterisk stands for any characters; case does not matter.
 */

// A pattern with many asterisks is no pattern that anyone wrote by hand.
const MAX = 320;
const MAX_STARS = 4;

/** The pattern in the form that `matches` takes, or why it is none. */
export function parseGlob(text: string): { readonly glob: string } | { readonly reason: string } {
  const at = text.lastIndexOf('@');
  const local = at < 0 ? '*' : text.slice(0, at);
  const domain = text.slice(at + 1);
  const stars = text.split('*').length - 1;
  if (text.length > MAX || stars > MAX_STARS)
    return { reason: `it is too long, or has more than ${MAX_STARS} asterisks` };
  if (/[\0-\x20\x7f<>()",;\\]/.test(text)) return { reason: 'it has characters that no address has' };
  if (local === '' || domain === '') return { reason: 'a part of it is missing beside the "@"' };
  if (domain === '*' || domain.startsWith('[')) return { glob: `${local}@${domain}`.toLowerCase() };
  const reading = domain.includes('*') ? readDomain(domain.replaceAll('*', 'x')) : readDomain(domain);
  if (!('domain' in reading)) return { reason: `the domain is none: ${reading.reason}` };
  const plain = domain.includes('*') ? domain.toLowerCase() : reading.domain;
  return { glob: `${local}@${plain}`.toLowerCase() };
}

/** Whether the address is one of those that the pattern stands for; nobody is matched by `*` alone. */
export function matches(glob: string, address: Address | null): boolean {
  if (address === null) return glob === '*@*';
  const at = glob.lastIndexOf('@');
  const [local = '', domain = ''] = splitKey(addressKey(address));
  return fits(glob.slice(0, at), local) && fits(glob.slice(at + 1), domain);
}

function splitKey(key: string): readonly string[] {
  const text = key.toLowerCase();
  const at = text.lastIndexOf('@');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** In linear time for each asterisk: the parts between them are looked for from left to right. */
function fits(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
