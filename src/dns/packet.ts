/**
 * A strict first pass over a packet that came from the network, before dns-packet decodes it. dns-packet takes an RDLENGTH that
 * runs past the packet, addresses of three octets, and labels with dots or control characters in them; here every
 * length, pointer and count is checked against the octets that are there.
 *
 * `readHead` reads the header and the question, by which an answer is matched. `checkBody` walks all records; the
 * answers' names and data are checked to the last octet, of the other sections only the frame, since nothing but the
 * extended code and the negative TTL is taken from them. Both take time that is linear in the packet: a name follows at
 * most 127 pointers, each to a place before the one it stands in.
 */

export const TYPE = { A: 1, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, OPT: 41, TLSA: 52 } as const;
export const CLASS_IN = 1;
export const RCODE = { ok: 0, format: 1, server: 2, noName: 3, notImplemented: 4, refused: 5, version: 16 } as const;

export interface Head {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly isTruncated: boolean;
  readonly isAuthoritative: boolean;
  readonly canRecurse: boolean;
  readonly isAuthentic: boolean;
  /** The lower four bits. */
  readonly code: number;
  /** Lower case without a final dot; undefined where the packet has none. */
  readonly question?: { readonly name: string; readonly type: number; readonly class: number };
  /** Where the records begin. */
  readonly end: number;
}

export interface Body {
  /** With the upper bits from OPT (RFC 6891, section 6.1.3). */
  readonly code: number;
  /** The offset of the type field of each answer. */
  readonly answers: readonly { readonly type: number; readonly class: number; readonly at: number }[];
  readonly authorities: number;
  /** Seconds for which the absence may be remembered (RFC 2308, section 5). */
  readonly negativeTtl?: number;
}

/** A packet that is not what RFC 1035 says. */
export class PacketError extends Error {
  override readonly name = 'PacketError';
}

const HEADER = 12;
const FIXED = 10;
const MAX_NAME = 255;
// Each pointer of an honest name stands behind at least one label, and a name has at most 127.
const MAX_POINTERS = 127;

/** @throws {PacketError} where header or question are broken, or there are several questions. */
export function readHead(bytes: Buffer): Head {
  if (bytes.length < HEADER) fail('header is cut short');
  const flags = bytes.readUInt16BE(2);
  const head = {
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    canRecurse: (flags & 0x0080) !== 0,
    isAuthentic: (flags & 0x0020) !== 0,
    code: flags & 15,
  };
  const count = bytes.readUInt16BE(4);
  if (count > 1) fail('it has several questions');
  if (count === 0) return { ...head, end: HEADER };
  const { name, end } = readName(bytes, HEADER);
  if (end + 4 > bytes.length) fail('question is cut short');
  const question = { name, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2) };
  return { ...head, question, end: end + 4 };
}

/** @throws {PacketError} */
export function checkBody(bytes: Buffer, head: Head): Body {
  const answers: { type: number; class: number; at: number }[] = [];
  const counts = [bytes.readUInt16BE(6), bytes.readUInt16BE(8), bytes.readUInt16BE(10)] as const;
  let at = head.end;
  let upper = 0;
  let negativeTtl: number | undefined;
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index += 1) {
      const start = section === 0 ? readName(bytes, at).end : skipName(bytes, at);
      if (start + FIXED > bytes.length) fail('record is cut short');
      const type = bytes.readUInt16BE(start);
      const ttl = bytes.readUInt32BE(start + 4);
      const from = start + FIXED;
      at = from + bytes.readUInt16BE(start + 8);
      if (at > bytes.length) fail('record runs past the packet');
      if (section === 0) {
        checkRecord(bytes, type, { from, to: at });
        answers.push({ type, class: bytes.readUInt16BE(start + 2), at: start });
      } else if (section === 1 && type === TYPE.SOA && at - from >= 22) {
        negativeTtl = Math.min(seconds(ttl), seconds(bytes.readUInt32BE(at - 4)));
      } else if (section === 2 && type === TYPE.OPT) upper = ttl >>> 24;
    }
  }
  if (at !== bytes.length) fail('octets follow the last record');
  const body = { code: head.code | (upper << 4), answers, authorities: counts[1] };
  return negativeTtl === undefined ? body : { ...body, negativeTtl };
}

/** RFC 2181, section 8: a TTL with the highest bit set is 0. */
export const seconds = (ttl: number): number => (ttl > 0x7fffffff ? 0 : ttl);

function checkRecord(bytes: Buffer, type: number, data: { from: number; to: number }): void {
  const { from, to } = data;
  const length = to - from;
  const isSound = (): boolean => {
    switch (type) {
      case TYPE.A:
        return length === 4;
      case TYPE.AAAA:
        return length === 16;
      case TYPE.CNAME:
      case TYPE.PTR:
        return length > 0 && readName(bytes, from).end === to;
      case TYPE.MX:
        return length > 2 && readName(bytes, from + 2).end === to;
      case TYPE.TLSA:
        return length >= 3;
      case TYPE.TXT:
        return areStrings(bytes, from, to);
      // Other types are not decoded.
      default:
        return true;
    }
  };
  if (!isSound()) fail(`data of a record of type ${type} does not fit its length`);
}

function areStrings(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to) at += 1 + (bytes[at] ?? 0);
  return to > from && at === to;
}

/** A name with its pointers followed, in lower case, and where what is behind it starts. */
function readName(bytes: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  let segment = start;
  let end: number | undefined;
  let octets = 1;
  let pointers = 0;
  for (;;) {
    const length = bytes[at] ?? fail('name is cut short');
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (bytes[at + 1] ?? fail('pointer is cut short'));
      end ??= at + 2;
      pointers += 1;
      // RFC 1035, section 4.1.4: to a prior occurrence, so a chain of pointers always ends.
      if (target >= segment || target < HEADER) fail('pointer does not lead backwards');
      if (pointers > MAX_POINTERS) fail('name has too many pointers');
      at = target;
      segment = target;
      continue;
    }
    if (length > 63) fail('label is of an unknown kind');
    octets += length + 1;
    if (octets > MAX_NAME) fail('name is too long');
    if (at + 1 + length > bytes.length) fail('label is cut short');
    const label = bytes.toString('latin1', at + 1, at + 1 + length);
    if (!/^[!-~]+$/.test(label) || label.includes('.')) fail('label has characters that no name has');
    labels.push(label.toLowerCase());
    at += 1 + length;
  }
}

/** Where what is behind a name starts; pointers are not followed. */
function skipName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at] ?? fail('name is cut short');
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) fail('label is of an unknown kind');
    at += 1 + length;
  }
}

function fail(reason: string): never {
  throw new PacketError(`Cannot read DNS packet: ${reason}`);
}
