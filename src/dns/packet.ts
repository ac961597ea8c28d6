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
  /** The name in lower case without a final dot. */
  readonly question?: { readonly name: string; readonly type: number; readonly class: number };
  /** Where the records begin. */
  readonly end: number;
}

/** One record of the answer section. */
export interface Outline {
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  /** The offset of its type field. */
  readonly at: number;
  /** The name in its data, where its type has one. */
  readonly target?: string;
}

export interface Body {
  /** With the upper bits from OPT (RFC 6891, section 6.1.3). */
  readonly code: number;
  readonly answers: readonly Outline[];
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
  const answers: Outline[] = [];
  const counts = [bytes.readUInt16BE(6), bytes.readUInt16BE(8), bytes.readUInt16BE(10)] as const;
  let at = head.end;
  let upper = 0;
  let negativeTtl: number | undefined;
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index += 1) {
      const owner = section === 0 ? readName(bytes, at) : undefined;
      const start = owner?.end ?? skipName(bytes, at);
      if (start + FIXED > bytes.length) fail('record is cut short');
      const type = bytes.readUInt16BE(start);
      const ttl = bytes.readUInt32BE(start + 4);
      const from = start + FIXED;
      at = from + bytes.readUInt16BE(start + 8);
      if (at > bytes.length) fail('record runs past the packet');
      if (owner !== undefined) {
        const target = readTarget(bytes, type, { from, to: at });
        const outline = { owner: owner.name, type, class: bytes.readUInt16BE(start + 2), at: start };
        answers.push(target === undefined ? outline : { ...outline, target });
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

/** Checks the data of a record against its length, and reads the name in it. */
function readTarget(bytes: Buffer, type: number, { from, to }: { from: number; to: number }): string | undefined {
  const length = to - from;
  const fits = (isSound: boolean): void => {
    if (!isSound) fail(`data of a record of type ${type} does not fit its length`);
  };
  switch (type) {
    case TYPE.A:
      fits(length === 4);
      return undefined;
    case TYPE.AAAA:
      fits(length === 16);
      return undefined;
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.MX: {
      const prefix = type === TYPE.MX ? 2 : 0;
      fits(length > prefix);
      const { name, end } = readName(bytes, from + prefix);
      fits(end === to);
      return name;
    }
    case TYPE.TLSA:
      fits(length >= 3);
      return undefined;
    case TYPE.TXT:
      fits(areStrings(bytes, from, to));
      return undefined;
    // Other types are not decoded.
    default:
      return undefined;
  }
}

function areStrings(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to) at += 1 + (bytes[at] ?? 0);
  return to > from && at === to;
}

/** A name with its pointers followed, in lower case and escaped, and where what is behind it starts. */
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
    labels.push(escapeLabel(bytes.toString('latin1', at + 1, at + 1 + length)).toLowerCase());
    at += 1 + length;
  }
}

/** As zone files do (RFC 1035, section 5.1): dots in a label, controls, blanks and the like become `\\DDD`. */
function escapeLabel(label: string): string {
  if (/^[a-z0-9_-]+$/i.test(label)) return label;
  return label.replace(/[^!-~]|[.\\]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`);
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
