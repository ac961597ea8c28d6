import { formatAddress } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';

/** Octets (RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.2): what a pattern adds to a name has room beside them. */
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 255;

/**
 * The path of a recipient's mailbox: `%u` in the pattern is its local part in lower case, `%d` its domain, `%%` a per
 * cent sign. A name that could lead elsewhere (a slash, a dot in front, a control character), or is too long, is refused.
 */
export function localPath(pattern: string, recipient: Recipient): { readonly path: string } | { failure: Failure } {
  const { local, domain } = recipient.address;
  const names: Readonly<Record<string, string>> = { '%u': local.toLowerCase(), '%d': domain, '%%': '%' };
  const isSafe =
    (!pattern.includes('%u') || mayBeName(local, LONGEST_LOCAL)) &&
    (!pattern.includes('%d') || mayBeName(domain, LONGEST_DOMAIN));
  if (isSafe) return { path: pattern.replace(/%[ud%]/g, (each) => names[each] ?? each) };
  const text = `${quoted(formatAddress(recipient.address), 200)} can't be the name of a mailbox here`;
  return { failure: { scope: 'recipient', permanent: true, stage: 'resolve', status: '5.1.1', text } };
}

const mayBeName = (name: string, octets: number): boolean =>
  name !== '' &&
  Buffer.byteLength(name) <= octets &&
  !name.startsWith('.') &&
  !/[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(name);
