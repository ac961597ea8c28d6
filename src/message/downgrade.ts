/*
 * What a server can't take is re-encoded by the rules of MIME (RFC 2045 to 2049, 6152), and nothing else is touched. Two
 * walks over the body: the first finds what each part holds and decides, the second writes. Memory stays small whatever
 * the size of the message or of a line; the second form of the body goes to a scratch that the caller brings.
 *
 *   if (planDowngrade(message.facts, needs) === 'needed') outcome = await downgrade(message, needs, scratch());
 *
 * - A part that doesn't fit (8-bit octets for a server without 8BITMIME, a line too long, a NUL) becomes quoted-printable
 *   where it is text and that is shorter, else base64. One that is in either already gets shorter lines.
 * - Multiparts and messages within are walked; only their parts that need it change. Preambles and epilogues, which
 *   nobody is shown, are written as quoted-printable too: nothing is cut or lost.
 * - 8-bit header fields become ASCII (`message/ascii`), long ones are folded (`message/fold`).
 * - A signed or encrypted part (multipart/signed, multipart/encrypted) is never touched: where it doesn't fit, the
 *   message has failed (5.6.3). The same where a structure can't be re-encoded: message/partial, message/external-body,
 *   unknown encodings, more parts or deeper ones than anyone sends. A DKIM-Signature is no such part: as in Postfix the
 *   message is converted, and the signature will not verify; sign after this, not before.
 * - A multipart whose boundary never comes, or that names none, has no parts to change: it is encoded like text.
 */
import { quoted } from '../mail/printable.ts';
import { asciiField } from './ascii.ts';
import { Bytes } from './bytes.ts';
import { type Encoder, encoder, type Way } from './encode.ts';
import { foldField } from './fold.ts';
import { append, find, type Header, headerBytes, makeField, replace } from './header.ts';
import type { Facts, Message } from './message.ts';
import { type PartHeader, type Segment, Unfit } from './part.ts';
import { combine, createScanner, scanBytes } from './scan.ts';
import type { Source } from './source.ts';
import { MessageError, split } from './split.ts';
import { canonicalChunks, type PartFacts, type SegmentFacts, survey, type TextFacts } from './survey.ts';
import { walk } from './walk.ts';

/** What a server asks of a message. */
export interface Needs {
  /** The server lacks 8BITMIME (RFC 6152). */
  readonly sevenBit: boolean;
  /** Octets of a line without its CRLF: 998 (RFC 5321, section 4.5.3.1.6). */
  readonly maxLine: number;
}

/** Where the new body is written. */
export interface BodyScratch {
  write(chunk: Buffer): void;
  finish(): Source;
  /** Called instead of `finish` where there is no new body. */
  discard(): void;
}

export type Downgraded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly status: '5.6.3'; readonly text: string };

/** Whether a message with these facts has to be re-encoded. */
export function planDowngrade(facts: Facts, needs: Needs): 'none' | 'needed' {
  const eightBit = needs.sevenBit && (facts.eightBitBody || facts.eightBitHeader);
  return eightBit || facts.nul || facts.longestLine > needs.maxLine ? 'needed' : 'none';
}

const isUnfit = (facts: TextFacts, needs: Needs): boolean =>
  (needs.sevenBit && facts.eightBit) || facts.nul || facts.longestLine > needs.maxLine;

/** What is to be done with a part. */
interface Change {
  readonly ways: Readonly<Record<Segment['place'], Way>>;
  /** Fields that the part gets, in the place of those it has. */
  readonly fields: Header;
  /** The header itself is written anew. */
  readonly header: boolean;
}

const COPY = { content: 'copy', preamble: 'copy', epilogue: 'copy' } as const;
const AS_THEY_ARE = new Set(['message/partial', 'message/external-body']);

/** The shorter of the two encodings; base64 for what is no text. */
function encodingFor(facts: SegmentFacts, type: string): 'quoted-printable' | 'base64' {
  const isText = /^(?:text|multipart|message)\//.test(type);
  const length = facts.size + 2 * facts.escapes;
  return isText && length <= Math.ceil(facts.size / 3) * 4 ? 'quoted-printable' : 'base64';
}

/** How the text of a part without parts is written. @throws {Unfit} */
function wayFor({ part }: PartFacts, facts: SegmentFacts): Way {
  if (AS_THEY_ARE.has(part.type)) throw new Unfit(`${part.type} can't be re-encoded`);
  if (part.encoding === 'base64') return 'wrap-base64';
  if (part.encoding === 'quoted-printable') return 'wrap-quoted-printable';
  if (/^x-|^uue|^x?uu/.test(part.encoding)) throw new Unfit(`a part has encoding ${quoted(part.encoding)}`);
  return encodingFor(facts, part.type);
}

/** The fields that say how a part is encoded, and what it is where it didn't say. */
function contentFields(facts: PartFacts, text: SegmentFacts, encoding: 'quoted-printable' | 'base64'): Header {
  const fields = [makeField('Content-Transfer-Encoding', encoding)];
  if (!facts.fields.type && (text.eightBit || facts.part.message)) {
    // RFC 1428: 8-bit text of which nobody said what it is.
    const charset = !text.eightBit ? 'us-ascii' : text.utf8 ? 'utf-8' : 'unknown-8bit';
    fields.unshift(makeField('Content-Type', `text/plain; charset=${charset}`));
  }
  if (facts.part.message && !facts.fields.mimeVersion) fields.unshift(makeField('MIME-Version', '1.0'));
  return fields;
}

/** Whether anything from part `id` inwards holds 8-bit octets. */
function within(parts: readonly PartFacts[], id: number): 'ascii' | 'eight-bit' {
  const depth = parts[id]?.part.depth ?? 0;
  for (let at = id; at < parts.length; at++) {
    const facts = parts[at];
    if (facts === undefined || (at > id && facts.part.depth <= depth)) break;
    const texts = [facts.header, ...Object.values(facts.segments)].slice(at === id ? 1 : 0);
    if (texts.some((text) => text.eightBit)) return 'eight-bit';
  }
  return 'ascii';
}

/** What is to be done with one part. @throws {Unfit} where it doesn't fit and must not or can't be changed */
function decide(facts: PartFacts, needs: Needs, inner: 'ascii' | 'eight-bit'): Change {
  const { part, segments, divided } = facts;
  const header = isUnfit(facts.header, needs);
  const unfit = Object.values(segments).filter((segment) => isUnfit(segment, needs));
  if (part.locked && (header || unfit.length > 0))
    throw new Unfit('a signed or encrypted part would have to be changed');
  if (divided && needs.sevenBit && /[\x80-\xff]/.test(part.boundary)) throw new Unfit('a boundary holds 8-bit octets');
  if (part.kind === 'leaf' || (part.kind === 'multipart' && !divided)) {
    const place = part.kind === 'leaf' ? 'content' : 'preamble';
    const text = segments[place];
    if (text === undefined || !isUnfit(text, needs)) return { ways: COPY, fields: [], header };
    const way = wayFor(facts, text);
    const fields = way === 'quoted-printable' || way === 'base64' ? contentFields(facts, text, way) : [];
    return { ways: { ...COPY, [place]: way }, fields, header };
  }
  const label = /^(?:8bit|binary)$/.test(part.encoding);
  const loud = needs.sevenBit && inner === 'eight-bit' && label;
  const way = (segment: SegmentFacts | undefined): Way =>
    segment !== undefined && isUnfit(segment, needs) ? 'quoted-printable' : 'copy';
  return {
    ways: { content: 'copy', preamble: way(segments.preamble), epilogue: way(segments.epilogue) },
    fields: loud ? [makeField('Content-Transfer-Encoding', '7bit')] : [],
    header,
  };
}

/** The header with the change made: its new fields, everything in ASCII where asked for, no long line. */
function rewrite(header: Header, change: Change, how: { needs: Needs; place: 'outer' | 'inner' }): Header {
  const put = (fields: Header, field: Header[number]) =>
    find(fields, field.name) === undefined ? append(fields, [field]) : replace(fields, field);
  return change.fields.reduce(put, header).map((field) => {
    const foreign = field.raw.includes(0) || how.needs.sevenBit;
    return foldField(foreign ? asciiField(field, how.place) : field, how.needs.maxLine);
  });
}

/** The bytes of a part's header and the blank line; lines above its fields (mbox) stay where they are. */
function partHeader(head: PartHeader, change: Change, needs: Needs): Buffer {
  if (change.fields.length === 0 && !change.header) {
    return head.blank ? Buffer.concat([head.raw, Buffer.from('\r\n')]) : head.raw;
  }
  const fields = head.fields.reduce((sum, field) => sum + field.raw.length, 0);
  const above = head.raw.subarray(0, head.raw.length - fields);
  return Buffer.concat([above, headerBytes(rewrite(head.fields, change, { needs, place: 'inner' }))]);
}

/** The second walk: writes the body with the changes made. */
async function write(
  fields: Header,
  body: Source,
  how: { changes: readonly Change[]; needs: Needs; put(b: Buffer): void },
) {
  const out = new Bytes();
  const changeOf = (id: number): Change => how.changes[id] ?? { ways: COPY, fields: [], header: false };
  let current: Encoder = encoder('copy', out);
  const walker = walk(fields, {
    open(part, head) {
      if (part.id > 0) out.put(partHeader(head, changeOf(part.id), how.needs));
    },
    enter({ part, place }) {
      current = encoder(changeOf(part.id).ways[place], out);
    },
    text: (bytes, start, end) => current.text(bytes, start, end),
    newline: () => current.newline(),
    leave: () => current.end(),
    delimiter: (_, line) => out.put(line),
  });
  for await (const chunk of canonicalChunks(body)) {
    walker.push(chunk);
    how.put(out.take());
  }
  walker.end();
  out.endLine();
  how.put(out.take());
}

/**
 * The message in a form that the server takes. The message given stays as it is and can be sent to another server.
 * @throws what reading the body or writing the scratch throws
 */
export async function downgrade(message: Message, needs: Needs, scratch: BodyScratch): Promise<Downgraded> {
  const found = split(message.header, true);
  const fields = found === 'more' ? [] : found.fields;
  const scanner = createScanner();
  const put = (chunk: Buffer) => {
    scanner.push(chunk);
    scratch.write(chunk);
  };
  try {
    const parts = await survey(fields, message.body);
    const changes = parts.map((facts, id) => decide(facts, needs, within(parts, id)));
    const own = changes[0] ?? { ways: COPY, fields: [], header: false };
    await write(fields, message.body, { changes, needs, put });
    const header = headerBytes(rewrite(fields, own, { needs, place: 'outer' }));
    const facts = combine(scanBytes(header), scanner.end());
    return { ok: true, message: { header, body: scratch.finish(), facts } };
  } catch (cause) {
    scratch.discard();
    if (!(cause instanceof Unfit || cause instanceof MessageError)) throw cause;
    return { ok: false, status: '5.6.3', text: `Cannot re-encode message: ${cause.message}` };
  }
}
