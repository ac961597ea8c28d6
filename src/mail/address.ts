/** A mailbox as the envelope knows it: no display name, no comments, no route. */
export interface Address {
  /** The local part as meant, without its quotes and escapes; may hold UTF-8 (RFC 6531). Never CR, LF or NUL. */
  readonly local: string;
  /** A-labels in lower case without a final dot, or a literal in brackets: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
  readonly domain: string;
}

/** Dot-string (RFC 5321, section 4.1.2; with UTF-8 after RFC 6531, section 3.3); all else is quoted. */
const DOT_STRING = /^[^\0-\x20\x7f()<>[\]:;@\\,."]+(?:\.[^\0-\x20\x7f()<>[\]:;@\\,."]+)*$/;

/** The address as it is written in a command, its local part quoted only where it must be. */
export function formatAddress(address: Address): string {
  const { local, domain } = address;
  return `${DOT_STRING.test(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"`}@${domain}`;
}

/** The path of MAIL and RCPT; `null` is the null reverse-path `<>` (RFC 5321, section 4.5.5). */
export const formatPath = (address: Address | null): string =>
  address === null ? '<>' : `<${formatAddress(address)}>`;

/** Whether only a server with SMTPUTF8 can take the address: the domain has A-labels, so only the local part counts. */
export const needsUtf8 = (address: Address): boolean => /[^\0-\x7f]/.test(address.local);

/** Equal for two addresses that name one mailbox: the local part's case is the receiver's to judge (RFC 5321, 2.4). */
export const addressKey = (address: Address): string => `${address.local}@${address.domain.toLowerCase()}`;
