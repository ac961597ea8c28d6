import { decode, encode } from 'dns-packet';
import type { ServerReply, WireRecord } from './answer.ts';
import type { Exchanged, Question } from './ask.ts';
import { CLASS_IN, checkBody, type Head, type Outline, PacketError, RCODE, readHead, seconds, TYPE } from './packet.ts';

/** A question as it goes to a server. */
export interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  readonly question: Question;
}

// Fits an IPv6 packet on every path (the size of DNS Flag Day 2020).
const UDP_SIZE = 1232;
const FLAG_RECURSE = 0x0100;
// RFC 6840, section 5.7: asks for the AD bit without the signatures.
const FLAG_AUTHENTIC = 0x0020;
// A type of private use, which dns-packet leaves as octets.
const OPAQUE_TYPE = 0xff00;

export function createQuery(question: Question, id: number, hasEdns: boolean): Query {
  const { name, type } = question;
  const bytes = encode({
    type: 'query',
    id,
    flags: FLAG_RECURSE | FLAG_AUTHENTIC,
    questions: [{ name, type, class: 'IN' }],
    additionals: hasEdns
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: UDP_SIZE,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
  return { bytes, id, question };
}

/** What a packet says to the query; undefined where it is no answer to it (RFC 5452, section 9.1). */
export function readReply(bytes: Buffer, query: Query): Exchanged | undefined {
  // From someone who does not know the id, so not from our server.
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== query.id) return undefined;
  try {
    const head = readHead(bytes);
    if (!head.isResponse || head.opcode !== 0 || !isAnswerTo(head, query.question)) return undefined;
    return head.isTruncated ? { kind: 'truncated' } : { kind: 'reply', reply: readBody(bytes, head) };
  } catch (error) {
    const reason = error instanceof PacketError ? error.message.replace(/^.*?: /, '') : 'it can not be decoded';
    return { kind: 'trouble', text: `sent a malformed answer: ${reason}` };
  }
}

/** The question is ours; a server that could not even read it may leave it out. */
function isAnswerTo({ question, code }: Head, { name, type }: Question): boolean {
  if (question === undefined) return code !== RCODE.ok && code !== RCODE.noName;
  return question.name === name && question.type === TYPE[type] && question.class === CLASS_IN;
}

/** @throws {Error} where the packet is malformed. */
function readBody(bytes: Buffer, head: Head): ServerReply {
  const { answers, code, authorities, negativeTtl } = checkBody(bytes, head);
  const known: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.MX, TYPE.TXT, TYPE.TLSA, TYPE.PTR]);
  // dns-packet shall decode the answers alone, and of those only what was checked.
  const copy = Buffer.from(bytes);
  copy.fill(0, 8, 12);
  for (const { type, at } of answers) if (!known.has(type)) copy.writeUInt16BE(OPAQUE_TYPE, at);
  const decoded = decode(copy).answers ?? [];
  const records = decoded.flatMap((record, index) => {
    const outline = answers[index];
    return outline?.class === CLASS_IN ? (readRecord(record, outline) ?? []) : [];
  });
  const { isAuthoritative, canRecurse, isAuthentic } = head;
  const reply = { code, isAuthoritative, canRecurse, isAuthentic, records, authorities };
  return negativeTtl === undefined ? reply : { ...reply, negativeTtl };
}

/** The names are those of the outline: dns-packet's own would hide a dot or a control in a label. */
function readRecord(
  record: NonNullable<ReturnType<typeof decode>['answers']>[number],
  { owner, target = '' }: Outline,
): WireRecord | undefined {
  if (record.type === 'OPT') return undefined;
  const base = { name: owner, ttl: seconds(record.ttl ?? 0) };
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { ...base, type: record.type, data: record.data };
    case 'CNAME':
    case 'PTR':
      return { ...base, type: record.type, data: target };
    case 'MX': {
      const { preference = 0 } = record.data;
      return { ...base, type: 'MX', data: { preference, exchange: target } };
    }
    case 'TXT': {
      const strings = Array.isArray(record.data) ? record.data : [record.data];
      return { ...base, type: 'TXT', data: strings.map(String).join('') };
    }
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = record.data;
      return { ...base, type: 'TLSA', data: { usage, selector, matching: matchingType, data: certificate } };
    }
    default:
      return undefined;
  }
}
