/*
 * A header is its fields as they came, in order, each with the exact bytes of its name, its folding and its value
 * (line ends made CRLF). Nothing here parses a value: what is read is a copy, what is sent is the original. A header is
 * changed only by taking whole fields away or putting whole fields in, so that signatures over the others still hold.
 *
 *   const header = split.fields;
 *   const kept = remove(header, ['Bcc', 'Return-Path']);
 *   const done = append(kept, [makeField('Date', formatDate(now, zone))]);
 *   const bytes = headerBytes(done);
 *
 * Names are compared without regard to case (RFC 5322, section 1.2.2).
 */
import { isUtf8 } from 'node:buffer';

/** One field of a header. */
export interface Field {
  /** As spelled, without blanks before the colon. */
  readonly name: string;
  /** Name, colon, value with its folding, and the final CRLF. */
  readonly raw: Buffer;
}

/** The fields in the order in which they stand. */
export type Header = readonly Field[];

const CRLF = Buffer.from('\r\n');
const COLON = 0x3a;

const same = (a: string, b: string): boolean => a.length === b.length && a.toLowerCase() === b.toLowerCase();

/** The first field of that name. */
export const find = (header: Header, name: string): Field | undefined => header.find((field) => same(field.name, name));

/** All fields of that name, in order. */
export const findAll = (header: Header, name: string): Header => header.filter((field) => same(field.name, name));

/** The header without any field of these names. */
export function remove(header: Header, names: readonly string[]): Header {
  const gone = new Set(names.map((name) => name.toLowerCase()));
  return header.filter((field) => !gone.has(field.name.toLowerCase()));
}

export const append = (header: Header, fields: Header): Header => [...header, ...fields];
export const prepend = (header: Header, fields: Header): Header => [...fields, ...header];

/** The first field of that name gives way to `field`, others of that name go; at the end where there was none. */
export function replace(header: Header, field: Field): Header {
  const first = find(header, field.name);
  if (first === undefined) return append(header, [field]);
  return header
    .filter((one) => one === first || !same(one.name, field.name))
    .map((one) => (one === first ? field : one));
}

/**
 * A new field. The value may be folded already (CRLF before a blank).
 * @throws {TypeError} where a name or value would not stay one field: CR, LF or NUL in it.
 */
export function makeField(name: string, value: string): Field {
  if (!/^[!-9;-~]+$/.test(name)) throw new TypeError(`Cannot make a header field: name ${JSON.stringify(name)}`);
  if (/[\r\n\0]/.test(value.replace(/\r\n(?=[ \t]+[^ \t\r\n])/g, ''))) {
    throw new TypeError(`Cannot make a header field: ${name} would hold CR, LF or NUL`);
  }
  return { name, raw: Buffer.from(`${name}: ${value}\r\n`, 'utf8') };
}

/** The bytes between the colon and the final CRLF, folding included. */
export function rawValue(field: Field): Buffer {
  return field.raw.subarray(field.raw.indexOf(COLON) + 1, field.raw.length - CRLF.length);
}

/** Bytes as text: UTF-8 where they are, else one character per octet. */
export const decodeText = (bytes: Buffer): string => bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');

/** The value as text on one line: folding undone (RFC 5322, section 2.2.3), blanks around it gone; not decoded further. */
export const unfoldedValue = (field: Field): string => decodeText(rawValue(field)).replaceAll('\r\n', '').trim();

/** The fields and the blank line after them. */
export const headerBytes = (header: Header): Buffer => Buffer.concat([...header.map((field) => field.raw), CRLF]);
