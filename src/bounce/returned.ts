import { isUtf8 } from 'node:buffer';
import { find, type Header, unfoldedValue } from '../message/header.ts';
import { canonical } from '../message/lines.ts';
import type { Message } from '../message/message.ts';
import { head } from '../message/source.ts';
import { split } from '../message/split.ts';
import type { Part } from './multipart.ts';

/*
 * What comes back of the original: all of it for a failure where it is small, else its header (RFC 3461, section 4.3:
 * RET is about failures; other reports return the header only). Returned as it was, so a body that only a long way of
 * re-encoding could bring through (lines too long, NUL, 8-bit octets under a signature) is left out too: the report
 * must arrive.
 */

/** What is returned whole at most, in octets: what Postfix returns by default; mail of cron fits, an attachment not. */
export const RETURN_LIMIT = 50 * 1024;

export interface Returned {
  readonly part: Part;
  readonly how: 'full' | 'headers';
}

export interface ReturnOptions {
  readonly wanted: 'full' | 'headers';
  /** Octets. */
  readonly limit: number;
}

/** RFC 5321, section 4.5.3.1.6. */
const LONGEST_LINE = 998;

/** The fields of a message's header. */
export function fieldsOf(message: Message): Header {
  const found = split(message.header, true);
  return found === 'more' ? [] : found.fields;
}

/** The third part of a report. @throws what reading the body throws */
export async function returnedPart(message: Message, { wanted, limit }: ReturnOptions): Promise<Returned> {
  const fields = fieldsOf(message);
  const utf8 = message.facts.eightBitHeader && isUtf8(message.header);
  if (wanted === 'full' && isReturnable(message, fields, limit)) {
    const body = canonical(await head(message.body, limit));
    const bytes = Buffer.concat([message.header, body]);
    const type = utf8 ? 'message/global' : 'message/rfc822';
    return { how: 'full', part: { type, description: 'Original message', bytes } };
  }
  const type = utf8 ? 'message/global-headers' : 'text/rfc822-headers';
  return { how: 'headers', part: { type, description: 'Header of the original message', bytes: first(fields, limit) } };
}

function isReturnable({ facts, body }: Message, fields: Header, limit: number): boolean {
  if (facts.size > limit || body.size > limit || facts.nul || facts.longestLine > LONGEST_LINE) return false;
  const type = find(fields, 'Content-Type');
  const locked = type !== undefined && /^multipart\/(?:signed|encrypted)\b/i.test(unfoldedValue(type));
  return !(locked && facts.eightBitBody);
}

/** The first fields that are no more than `limit` octets together, without NUL. */
function first(fields: Header, limit: number): Buffer {
  const kept: Buffer[] = [];
  let size = 0;
  for (const { raw } of fields) {
    size += raw.length;
    if (size > limit) break;
    if (!raw.includes(0)) kept.push(raw);
  }
  return Buffer.concat(kept);
}
