/** Nearly all text is such, and the classes of Unicode take a millisecond to compile. */
const PLAIN = /^[ -~]*$/;

/**
 * Makes text safe for a terminal, a log line and a header: C0, DEL and C1 controls become `\xNN`; bidirectional and
 * other invisible formatting, line separators and lone surrogates become `\u{N}`. The joiners that scripts and emoji
 * need stay. The result is on one line.
 */
export function escapeControls(text: string): string {
  if (PLAIN.test(text)) return text;
  // What a terminal or a log obeys or can't show: controls, invisible formatting, line separators, lone surrogates.
  return text.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}

/** Text as a message quotes it: escaped, in double quotes, cut after `limit` characters. */
export function quoted(text: string, limit = 80): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return `"${escapeControls(cut).replaceAll('"', '\\"')}"`;
}
