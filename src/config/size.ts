/** Octets; as message sizes are counted, K, M and G are powers of 1024 with or without the `i`. */
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads a size such as `25MB`, `512k`, `1GiB` or `1000` as octets; undefined where the text is none. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})(?:([kmg])?(?:i?b)?)?$/i.exec(text) ?? [];
  const octets = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  return digits !== undefined && Number.isSafeInteger(octets) ? octets : undefined;
}
