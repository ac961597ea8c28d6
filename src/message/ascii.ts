/*
 * Header fields that hold octets above 127 or NUL, written in ASCII by the rules of MIME:
 *
 *   - parameters of Content-Type and Content-Disposition by RFC 2231 (`filename*=utf-8''…`),
 *   - words, quoted strings and comments of other fields as encoded words (RFC 2047), in UTF-8 where they are, else in
 *     `unknown-8bit` (RFC 1428), which says that nobody knows.
 *
 * All other octets stay. Domains of addresses get A-labels (RFC 5890). A local part and a message id have no form in
 * ASCII: in the header of the message that is sent they are left as they are, for SMTPUTF8 (RFC 6531) to decide; in a
 * message within they are encoded like words, so that they can still be read.
 */
import { isUtf8 } from 'node:buffer';
import { toAscii } from '../mail/domain.ts';
import { parameterPieces, unquote } from './content.ts';
import { type Field, rawValue } from './header.ts';
import { encodeWords } from './phrase.ts';

const FOREIGN = /[\0\x80-\xff]/;
const ADDRESSES =
  /^(?:resent-)?(?:from|sender|to|cc|bcc|reply-to)$|^(?:errors-to|disposition-notification-to|return-receipt-to)$/i;
const IDENTIFIERS = /^(?:resent-)?message-id$|^(?:in-reply-to|references)$/i;
const PARAMETERS = /^content-(?:type|disposition)$/i;

const charsetOf = (bytes: Buffer): 'utf-8' | 'unknown-8bit' => (isUtf8(bytes) ? 'utf-8' : 'unknown-8bit');

/** Latin-1 text as encoded words on lines of their own. */
function words(text: string): string {
  const bytes = Buffer.from(text.replaceAll('\r\n', ''), 'latin1');
  return encodeWords(bytes, charsetOf(bytes)).replaceAll(' ', '\r\n ');
}

const isEncoded = (word: string): boolean => /^=\?[^?]+\?[BbQq]\?[^?]*\?=$/.test(word);

const hex = (octet: number): string => octet.toString(16).toUpperCase().padStart(2, '0');

/** Encoded words (Q) that hold the very octets they should have encoded. */
function mendWords(text: string): string {
  return text.replace(/=\?[^?\s]+\?[Qq]\?[^?\s]*\?=/g, (word) =>
    word.replace(/[\0\x80-\xff]/g, (char) => `=${hex(char.charCodeAt(0))}`),
  );
}

/** Text outside of all structure: runs of words that hold foreign octets are encoded, the blanks within them too. */
function encodeText(text: string): string {
  const pieces = text.split(/((?:\r\n)?[ \t]+)/);
  let out = '';
  let previous = '';
  for (let at = 0; at < pieces.length; at += 2) {
    const word = pieces[at] ?? '';
    out += at > 0 ? (pieces[at - 1] ?? '') : '';
    if (!FOREIGN.test(word)) {
      out += word;
      previous = word;
      continue;
    }
    let run = word;
    for (; FOREIGN.test(pieces[at + 2] ?? ''); at += 2) run += (pieces[at + 1] ?? '') + (pieces[at + 2] ?? '');
    // Blanks between two encoded words are not shown: one that was shown before goes into ours.
    const before = isEncoded(previous) ? ' ' : '';
    const after = isEncoded(pieces[at + 2] ?? '') ? ' ' : '';
    out += words(before + run + after);
    previous = '';
  }
  return out;
}

/** Quoted strings, comment marks, angle brackets, commas and the like, and the text between them. */
const ADDRESS_TOKENS = /"(?:[^"\\]|\\[\s\S])*"?|<[^<>]*>?|[(),:;>]|[^"(),:;<>]+/g;

/** An address with A-labels in its domain, where that makes it ASCII. */
function encodeDomain(address: string): string {
  const [all, local = '', domain = '', rest = ''] = /^([^@\x80-\xff]*@)([^@>\s]+)([\s\S]*)$/.exec(address) ?? [];
  const bytes = Buffer.from(domain, 'latin1');
  const ascii = all !== undefined && isUtf8(bytes) ? toAscii(bytes.toString('utf8')) : undefined;
  return ascii === undefined ? address : `${local}${ascii}${rest}`;
}

/** A list of addresses: names and comments are encoded, addresses only in a message within. */
function encodeAddresses(text: string, where: 'outer' | 'inner'): string {
  const tokens = text.match(ADDRESS_TOKENS) ?? [];
  let depth = 0;
  const encode = (token: string, at: number) => {
    if (token === '(') depth++;
    if (token === ')' && depth > 0) depth--;
    if (!FOREIGN.test(token)) return token;
    if (depth > 0) return encodeText(token);
    const next = tokens[at + 1] ?? '';
    const isAddress = token.startsWith('<') || /@/.test(token) || /^\s*[@.]/.test(next);
    const address = isAddress ? encodeDomain(token) : token;
    if (isAddress && (where === 'outer' || !FOREIGN.test(address))) return address;
    if (token.startsWith('<')) return `<${words(token.replace(/^<|>$/g, ''))}>`;
    if (token.startsWith('"')) return words(unquote(token)) + (next.startsWith('<') ? ' ' : '');
    return encodeText(token);
  };
  return tokens.map(encode).join('');
}

/** A parameter by RFC 2231, its octets in pieces of at most 60 characters. */
function encodeParameter(piece: string): string {
  const equals = piece.indexOf('=');
  const name = piece.slice(0, Math.max(equals, 0)).trim();
  if (name === '' || name.includes('*') || FOREIGN.test(name)) return encodeText(piece);
  const lead = piece.slice(0, piece.indexOf(name));
  const bytes = Buffer.from(unquote(piece.slice(equals + 1).replaceAll('\r\n', '')), 'latin1');
  const lines = [`${charsetOf(bytes)}''`];
  for (const octet of bytes) {
    const char = String.fromCharCode(octet);
    const written = /[A-Za-z0-9._-]/.test(char) ? char : `%${hex(octet)}`;
    const last = lines.pop() ?? '';
    if (last.length + written.length > 60) lines.push(last, written);
    else lines.push(last + written);
  }
  if (lines.length === 1) return `${lead}${name}*=${lines[0]}`;
  return lines.map((line, n) => `${n === 0 ? lead : '\r\n '}${name}*${n}*=${line}`).join(';');
}

function encodeParameters(text: string): string {
  const encode = (piece: string, at: number) => {
    if (!FOREIGN.test(piece)) return piece;
    return at === 0 ? encodeText(piece) : encodeParameter(piece);
  };
  return parameterPieces(text).map(encode).join(';');
}

/** The field in ASCII, or as it is where it is that already. `place` says whether it is our header or one within. */
export function asciiField(field: Field, place: 'outer' | 'inner'): Field {
  const given = rawValue(field).toString('latin1');
  if (!FOREIGN.test(given)) return field;
  if (place === 'outer' && IDENTIFIERS.test(field.name)) return field;
  const value = mendWords(given);
  const encode = () => {
    if (!FOREIGN.test(value)) return value;
    if (PARAMETERS.test(field.name)) return encodeParameters(value);
    if (ADDRESSES.test(field.name)) return encodeAddresses(value, place);
    return encodeText(value);
  };
  const name = field.raw.subarray(0, field.raw.indexOf(0x3a) + 1);
  return { name: field.name, raw: Buffer.concat([name, Buffer.from(`${encode()}\r\n`, 'latin1')]) };
}
