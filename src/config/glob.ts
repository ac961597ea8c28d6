import type { Address } from '../mail/address.ts';
import { readDomain, readLiteral } from '../mail/domain.ts';

/*
 * Patterns of addresses: `example.org` is everyone there, `*.example.org` everyone below it, `ann@example.org` one
 * person, `root@*` that name anywhere, and `*` everyone; `<>` is the null sender of bounces. An asterisk stands for any
 * characters; case does not matter.
 */

// A pattern with many asterisks is no pattern that anyone wrote by hand.
const MAX = 320;
const MAX_STARS = 4;

export type GlobReading = { readonly glob: string } | { readonly reason: string };

const NULL = '<>';

/** The pattern in the form that `matches` takes, or why it is none. */
export function parseGlob(text: string): GlobReading {
  if (text === NULL) return { glob: NULL };
  const at = text.lastIndexOf('@');
  const local = at < 0 ? '*' : text.slice(0, at);
  const stars = text.split('*').length - 1;
  if (text.length > MAX || stars > MAX_STARS)
    return { reason: `it is too long, or has more than ${MAX_STARS} asterisks` };
  if (/[\0-\x20\x7f<>()",;\\]/.test(text)) return { reason: 'it has characters that no address has' };
  const domain = text.slice(at + 1);
  if (local === '' || domain === '') return { reason: 'a part of it is missing beside the "@"' };
  const reading = readDomainGlob(domain);
  return 'glob' in reading ? { glob: `${local}@${reading.glob}`.toLowerCase() } : reading;
}

function readDomainGlob(domain: string): GlobReading {
  if (domain === '*') return { glob: '*' };
  if (domain.startsWith('[')) {
    const literal = /^\[([^\]]*)\]$/.exec(domain)?.[1];
    const reading = literal === undefined ? { reason: 'a bracket is open' } : readLiteral(literal);
    return 'domain' in reading ? { glob: reading.domain } : { reason: `the domain is none: ${reading.reason}` };
  }
  // Labels with an asterisk stay as they are: part of a label has no A-label.
  const labels = domain.replace(/\.$/, '').split('.').map(asciiLabel);
  const whole = readDomain(labels.join('.').replaceAll('*', 'x'));
  if (!('domain' in whole)) return { reason: `the domain is none: ${whole.reason}` };
  const isPart = labels.some((label) => label.includes('*') && /[^\0-\x7f]/.test(label));
  return isPart ? { reason: 'an asterisk stands beside letters that are not ASCII' } : { glob: labels.join('.') };
}

/** What is no label stays, and is no domain then. */
function asciiLabel(label: string): string {
  const reading = /[^\0-\x7f]/.test(label) && !label.includes('*') ? readDomain(label) : { reason: '' };
  return 'domain' in reading ? reading.domain : label;
}

/** Whether the address is one of those that the pattern stands for; the null sender is one of `*`, and of `<>`. */
export function matches(glob: string, address: Address | null): boolean {
  if (address === null) return glob === '*@*' || glob === NULL;
  if (glob === NULL) return false;
  const at = glob.lastIndexOf('@');
  return fits(glob.slice(at + 1), address.domain.toLowerCase()) && fits(glob.slice(0, at), address.local.toLowerCase());
}

/** In linear time for each asterisk: the parts between them are looked for from left to right. */
function fits(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return text === pattern;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
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
