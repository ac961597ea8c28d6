/** What it is, for messages. */
export const FINGERPRINT = '64 hexadecimal digits';

/** SHA-256 in hexadecimal, with or without colons; in lower case without. Undefined where the text is none. */
export function parseFingerprint(text: string): string | undefined {
  const hex = text.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
}
