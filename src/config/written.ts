/*
 * Values as TOML has them, for people who look at settings: on one line, safe for a terminal, and without what is secret.
 */

/** A duration as `parseDuration` reads it, from milliseconds. */
export function writeDuration(milliseconds: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
    [1, 'ms'],
  ] as const;
  let rest = milliseconds;
  let text = '';
  for (const [size, unit] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || '0s';
}

/** A text, a number, true or false, or a list of them. */
export function writeValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeValue).join(', ')}]`;
  return typeof value === 'string' ? writeText(value) : String(value);
}

/** JSON's escapes are TOML's; controls and what a terminal obeys are escaped too. */
const writeText = (text: string): string =>
  JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
  );

export const writeKey = (path: readonly string[]): string =>
  path.map((key) => (/^[\w-]+$/.test(key) ? key : writeText(key))).join('.');

/** What stands for something secret. */
const HIDDEN = '***';

/** The value without a password: that of a proxy, the words behind a command's program, whatever is called a secret. */
export function hideSecrets(path: readonly string[], value: unknown): unknown {
  const key = path.at(-1) ?? '';
  if (Array.isArray(value)) return value.map((each) => hideSecrets(path, each));
  if (typeof value !== 'string') return value;
  if (/(?:^|_)(?:secret|token|password)$/.test(key)) return HIDDEN;
  if (/_command$/.test(key)) return value.replace(/^(\s*\S+)\s.*$/s, `$1 ${HIDDEN}`);
  return value.replace(/^([a-z0-9+]+:\/\/[^/@:]*):.*@/is, `$1:${HIDDEN}@`);
}
