/*
 * What a part says of itself: Content-Type and Content-Transfer-Encoding (RFC 2045), read as tolerantly as mail needs:
 * comments, quotes, parameters in pieces and percent-encoded (RFC 2231), no blank or semicolon where one belongs. Octets
 * are read as Latin-1, so that a boundary is the same octets again. Linear in the length of the value.
 */
import { type Field, find, type Header, rawValue } from './header.ts';

export interface ContentType {
  /** In lower case; `text/plain` where there is none or none that can be read (RFC 2045, section 5.2). */
  readonly type: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const value = (field: Field): string => rawValue(field).toString('latin1').replaceAll('\r\n', '');

/** The text without its comments (RFC 5322, section 3.2.2), quoted strings left whole. */
function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let depth = 0;
  let quotes = false;
  let kept = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const pair = char === '\\' ? (text[at + 1] ?? '') : '';
    if (depth === 0 && char === '"') quotes = !quotes;
    if (!quotes && char === '(') depth++;
    if (depth === 0) kept += char + pair;
    if (!quotes && char === ')' && depth > 0) depth--;
    at += pair.length;
  }
  return kept;
}

/** The pieces between semicolons that stand outside of quotes. */
export function parameterPieces(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let quotes = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\' && quotes) at++;
    else if (char === '"') quotes = !quotes;
    else if (char === ';' && !quotes) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** A parameter's value without quotes and escapes. */
export function unquote(text: string): string {
  const bare = text.trim();
  if (!bare.startsWith('"')) return bare;
  const end = /^"(?:[^"\\]|\\[\s\S])*/.exec(bare)?.[0] ?? '"';
  return end.slice(1).replace(/\\([\s\S])/g, '$1');
}

const percent = (text: string): string =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function parameters(pieces: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const parts = new Map<string, string[]>();
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    if (equals < 0) continue;
    const [, name = '', section, star] =
      /^([^*]*)(?:\*(\d{1,3}))?(\*)?$/.exec(piece.slice(0, equals).trim().toLowerCase()) ?? [];
    if (name === '') continue;
    let text = unquote(piece.slice(equals + 1));
    if (star !== undefined)
      text = percent(section === undefined || section === '0' ? text.replace(/^[^']*'[^']*'/, '') : text);
    if (section !== undefined) {
      const known = parts.get(name) ?? [];
      known[Number(section)] ??= text;
      parts.set(name, known);
    } else if (!found.has(name)) found.set(name, text);
  }
  for (const [name, texts] of parts) if (!found.has(name)) found.set(name, texts.join(''));
  return found;
}

/** Reads the value of a Content-Type field, or of a header that has none. */
export function contentType(header: Header, otherwise = 'text/plain'): ContentType {
  const field = find(header, 'Content-Type');
  if (field === undefined) return { type: otherwise, parameters: new Map() };
  const [first = '', ...pieces] = parameterPieces(withoutComments(value(field)));
  const [, type, subtype, rest = ''] = /^\s*([^\s/;]+)\s*\/\s*([^\s/;]+)(.*)$/.exec(first) ?? [];
  if (type === undefined || subtype === undefined) return { type: 'text/plain', parameters: new Map() };
  return { type: `${type}/${subtype}`.toLowerCase(), parameters: parameters([rest, ...pieces]) };
}

/** The token of Content-Transfer-Encoding in lower case; `7bit` where there is none (RFC 2045, section 6.1). */
export function transferEncoding(header: Header): string {
  const field = find(header, 'Content-Transfer-Encoding');
  const token = field && /^[^\s;]+/.exec(withoutComments(value(field)).trim())?.[0];
  return unquote(token ?? '7bit').toLowerCase();
}
