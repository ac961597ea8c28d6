/*
 * xtext (RFC 3461, section 4): how any text becomes one word of printable ASCII in a MAIL or RCPT parameter (ENVID,
 * ORCPT; also AUTH=). It works on the octets of UTF-8, so whatever goes in, no blank, CR, LF or NUL comes out. An
 * original recipient that is not ASCII has the address type `utf-8` and a form of its own (RFC 6533, section 3).
 */

/** Blanks, `+`, `=` and all that is not printable ASCII become `+` and two hex digits. */
export function encodeXtext(text: string): string {
  if (!/[^!-~]|[+=]/.test(text)) return text;
  const words: string[] = [];
  for (const octet of Buffer.from(text, 'utf8')) {
    const plain = octet > 32 && octet < 127 && octet !== 43 && octet !== 61;
    words.push(plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`);
  }
  return words.join('');
}

/** The text that was encoded; `undefined` where it is no xtext or no UTF-8. May hold CR, LF and NUL. */
export function decodeXtext(xtext: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/.test(xtext)) return undefined;
  const octets = Buffer.from(
    xtext.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  const text = octets.toString('utf8');
  return Buffer.from(text, 'utf8').equals(octets) ? text : undefined;
}

/** An address for ORCPT's type `utf-8`, in ASCII: utf-8-addr-xtext (RFC 6533, section 3), `\x{…}` for each other point. */
export const encodeUtf8Address = (text: string): string =>
  text.replace(/[^!-~]|[\\+=]/gu, (point) => {
    const code = point.codePointAt(0) ?? 0;
    return `\\x{${(code >= 0xd800 && code < 0xe000 ? 0xfffd : code).toString(16).toUpperCase().padStart(2, '0')}}`;
  });

/** The address that was encoded, from utf-8-addr-xtext or -unitext; `undefined` where it is neither. */
export function decodeUtf8Address(encoded: string): string | undefined {
  if (/[\0- \x7f+=]|\\(?!x\{(?:[0-9A-F]{2,5}|10[0-9A-F]{4})\})/.test(encoded)) return undefined;
  const text = encoded.replace(/\\x\{([0-9A-F]+)\}/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
  return /\p{Cs}/u.test(text) ? undefined : text;
}
