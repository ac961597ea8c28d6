/**
 * Which addresses are on this machine or on no machine at all. A domain that points there is a mistake, a loop or an
 * attack on what listens on loopback, so mail that was routed by DNS never goes there. Private networks (10/8, fc00::/7)
 * are not local in this sense: mail inside a company goes there.
 */

/** The 4 or 16 octets of an address in text, a zone (`%eth0`) aside; undefined where it is none. */
export function addressOctets(text: string): readonly number[] | undefined {
  return text.length > 100 ? undefined : text.includes(':') ? octets6(text) : octets4(text);
}

/** Why mail may not be sent to an address, such as `loopback`; undefined where it may. */
export function isLocalAddress(address: string): string | undefined {
  const octets = addressOctets(address);
  if (octets === undefined) return 'not an address';
  if (octets.length === 4) return reason4(octets);
  const embedded = embedded4(octets);
  return reason6(octets) ?? (embedded === undefined ? undefined : reason4(embedded));
}

/** `host:port`, with brackets around an IPv6 address. */
export const withPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Two texts for one address, in whatever spelling. */
export function sameAddress(one: string, other: string): boolean {
  const octets = comparable(one);
  return octets !== undefined && octets === comparable(other);
}

function comparable(text: string): string | undefined {
  const octets = addressOctets(text);
  if (octets === undefined) return undefined;
  return (octets.length === 16 && isMapped(octets) ? octets.slice(12) : octets).join('.');
}

function reason4(octets: readonly number[]): string | undefined {
  const [first = 0, second = 0] = octets;
  if (first === 0) return 'unspecified';
  if (first === 127) return 'loopback';
  if (first === 169 && second === 254) return 'link-local';
  if (first >= 224 && first < 240) return 'multicast';
  if (first >= 240) return octets.every((octet) => octet === 255) ? 'broadcast' : 'reserved';
  return undefined;
}

function reason6(octets: readonly number[]): string | undefined {
  const [first = 0, second = 0] = octets;
  if (zeros(octets, 0, 15)) {
    if (octets[15] === 0) return 'unspecified';
    if (octets[15] === 1) return 'loopback';
  }
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'link-local';
  if (first === 0xff) return 'multicast';
  return undefined;
}

/** The IPv4 address that a mapped, compatible, translated (RFC 6052) or 6to4 (RFC 3056) address leads to. */
function embedded4(octets: readonly number[]): readonly number[] | undefined {
  if (zeros(octets, 0, 12) || isMapped(octets)) return octets.slice(12);
  // 64:ff9b::/96, and the local-use prefix of RFC 8215 as far as it is used with a length of 96.
  const isTranslated = octets[0] === 0 && octets[1] === 0x64 && octets[2] === 0xff && octets[3] === 0x9b;
  if (isTranslated && (zeros(octets, 4, 12) || octets[5] === 1)) return octets.slice(12);
  return octets[0] === 0x20 && octets[1] === 0x02 ? octets.slice(2, 6) : undefined;
}

const isMapped = (octets: readonly number[]): boolean =>
  zeros(octets, 0, 10) && octets[10] === 255 && octets[11] === 255;

const zeros = (octets: readonly number[], from: number, to: number): boolean =>
  octets.slice(from, to).every((octet) => octet === 0);

function octets4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

function octets6(text: string): number[] | undefined {
  const zone = text.indexOf('%');
  if (zone === text.length - 1) return undefined;
  const halves = (zone < 0 ? text : text.slice(0, zone)).split('::');
  const [head = '', tail] = halves;
  const left = groups(head, tail === undefined);
  const right = tail === undefined ? [] : groups(tail, true);
  if (halves.length > 2 || left === undefined || right === undefined) return undefined;
  const missing = 16 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...left, ...Array<number>(missing).fill(0), ...right];
}

/** The octets of colon-separated groups, where the last may be dotted if these are the address's last. */
function groups(text: string, areLast: boolean): number[] | undefined {
  if (text === '') return [];
  const octets: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      octets.push(group >> 8, group & 255);
      continue;
    }
    const dotted = areLast && index === parts.length - 1 ? octets4(part) : undefined;
    if (dotted === undefined) return undefined;
    octets.push(...dotted);
  }
  return octets.length > 16 ? undefined : octets;
}
