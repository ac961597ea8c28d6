// RFC 1035, section 2.3.4: 255 octets on the wire, which are 253 characters without the final dot.
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** Lower case, without a final dot; the root is ''. */
export function normalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Can be asked for: labels of 1 to 63 visible ASCII characters, 253 in all; none with an escape, which we never need. */
export function isAskable(name: string): boolean {
  return name.length <= MAX_NAME && /^[!-[\]-~]+$/.test(name) && labelsFit(name);
}

/**
 * Can be a server's name: letters, digits, `-` and, since some use it, `_`; not an address, whose last label is a number
 * (RFC 3696, section 2).
 */
export function isHostName(name: string): boolean {
  if (name.length > MAX_NAME || !labelsFit(name)) return false;
  return /^[a-z0-9_.-]+$/i.test(name) && !/(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i.test(name);
}

const labelsFit = (name: string): boolean =>
  name.split('.').every((label) => label.length > 0 && label.length <= MAX_LABEL);
