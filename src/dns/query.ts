import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode } from 'dns-packet';
import type { ServerReply, WireRecord } from './answer.ts';
import { createAsk, type Exchanged, type Manner, type Question } from './ask.ts';
import { normalName } from './name.ts';
import { CLASS_IN, checkBody, type Head, PacketError, RCODE, readHead, seconds, TYPE } from './packet.ts';
import type { Server, ServerSettings } from './resolv-conf.ts';
import type { Resolver } from './resolver.ts';
import { createStub } from './stub.ts';

/**
 * Our own stub resolver: Node's would hide TTLs, the AD bit, and whether a name is missing or a server silent.
 *
 * This file is its way to the network. A question goes over a UDP socket of its own, so that its port is as random as its
 * id, and is connected to its server, so that the system drops what others send. What comes is matched by id, kind and
 * question, and what does not match is ignored while the wait goes on (RFC 5452, section 9.1). `packet` checks the octets
 * before dns-packet sees them. `ask` chooses servers, `stub` follows CNAMEs and remembers; neither knows of sockets.
 *
 * Nothing here throws or hangs: every exchange ends with a reply, a reason, or its time-out.
 */
export interface ResolverOptions extends ServerSettings {
  /** Milliseconds for one look-up as a whole. */
  readonly limit: number;
  /** Milliseconds on a clock that never jumps. */
  now(): number;
}

export interface NetworkResolver extends Resolver {
  /** Ends what is still under way, so that look-ups that nobody waits for do not keep the process. */
  close(): void;
}

// Fits an IPv6 packet on every path (the size of DNS Flag Day 2020).
const UDP_SIZE = 1232;
// RFC 1035, section 4.2.2: two octets say the length.
const MAX_TCP = 65_535;
const FLAG_RECURSE = 0x0100;
// RFC 6840, section 5.7: asks for the AD bit without the signatures.
const FLAG_AUTHENTIC = 0x0020;
// A type of private use, which dns-packet leaves as octets.
const OPAQUE_TYPE = 0xff00;

export function createResolver(options: ResolverOptions): NetworkResolver {
  const open = new Set<() => void>();
  const exchange = async (server: Server, question: Question, manner: Manner): Promise<Exchanged> => {
    const id = randomInt(0x10000);
    try {
      const query = { bytes: encodeQuery(question, id, manner), id, question };
      const wait = { timeout: manner.timeout, open };
      return await (manner.transport === 'udp' ? overUdp(server, query, wait) : overTcp(server, query, wait));
    } catch (error) {
      return { kind: 'trouble', text: `can't be asked: ${reasonOf(error)}` };
    }
  };
  const start = options.rotate ? randomInt(Math.max(options.servers.length, 1)) : 0;
  const stub = createStub({
    ask: createAsk({ ...options, exchange, start }),
    limit: options.limit,
    now: options.now,
  });
  return {
    resolve: stub.resolve,
    close() {
      for (const end of [...open]) end();
    },
  };
}

interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  readonly question: Question;
}

function encodeQuery({ name, type }: Question, id: number, { hasEdns }: Manner): Buffer {
  return encode({
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
}

/** For how long to wait, and where to leave what ends it sooner. */
interface Wait {
  readonly timeout: number;
  readonly open: Set<() => void>;
}

function overUdp(server: Server, query: Query, wait: Wait): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
    const settle = settler(resolve, wait, () => socket.close());
    socket.on('error', (error) => settle({ kind: 'trouble', text: `can't be reached: ${reasonOf(error)}` }));
    socket.on('message', (bytes) => {
      const exchanged = readReply(bytes, query);
      if (exchanged !== undefined) settle(exchanged);
    });
    socket.once('connect', () => {
      // Between its birth and this moment the socket was open to everyone; but the question is only asked now.
      socket.send(query.bytes, (error) => {
        if (error) settle({ kind: 'trouble', text: `can't be reached: ${reasonOf(error)}` });
      });
    });
    try {
      socket.connect(server.port, server.address);
    } catch (error) {
      settle({ kind: 'trouble', text: `can't be reached: ${reasonOf(error)}` });
    }
  });
}

function overTcp(server: Server, query: Query, wait: Wait): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    const settle = settler(resolve, wait, () => socket.destroy());
    const chunks: Buffer[] = [];
    let received = 0;
    socket.on('error', (error) => settle({ kind: 'trouble', text: `can't be reached over TCP: ${reasonOf(error)}` }));
    socket.on('close', () => settle({ kind: 'trouble', text: 'closed the connection' }));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received < 2 || received < 2 + lengthOf(chunks)) {
        if (received > 2 + MAX_TCP) settle({ kind: 'trouble', text: 'sent too much' });
        return;
      }
      const bytes = Buffer.concat(chunks, received);
      const reply = readReply(bytes.subarray(2, 2 + bytes.readUInt16BE(0)), query);
      settle(reply ?? { kind: 'trouble', text: 'answered another question' });
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.bytes.length);
    socket.write(Buffer.concat([length, query.bytes]));
  });
}

/** The length in the first two octets, which may have come apart. */
function lengthOf(chunks: readonly Buffer[]): number {
  const [first, second] = chunks;
  const high = first?.[0] ?? 0;
  return (high << 8) | (first?.[1] ?? second?.[0] ?? 0);
}

type Settle = (exchanged: Exchanged) => void;

/** Takes the first outcome, the time-out included, and closes the socket with it. */
function settler(resolve: Settle, { timeout, open }: Wait, close: () => void): Settle {
  let isSettled = false;
  const settle = (exchanged: Exchanged): void => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    open.delete(end);
    close();
    resolve(exchanged);
  };
  const end = (): void => settle({ kind: 'trouble', text: 'was not waited for' });
  const timer = setTimeout(() => settle({ kind: 'silence' }), timeout);
  open.add(end);
  return settle;
}

/** What a packet says to the query; undefined where it is no answer to it. */
function readReply(bytes: Buffer, query: Query): Exchanged | undefined {
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
  const records = decoded.flatMap((record, index) =>
    answers[index]?.class === CLASS_IN ? (readRecord(record) ?? []) : [],
  );
  const { isAuthoritative, canRecurse, isAuthentic } = head;
  const reply = { code, isAuthoritative, canRecurse, isAuthentic, records, authorities };
  return negativeTtl === undefined ? reply : { ...reply, negativeTtl };
}

function readRecord(record: NonNullable<ReturnType<typeof decode>['answers']>[number]): WireRecord | undefined {
  if (record.type === 'OPT') return undefined;
  const base = { name: normalName(record.name), ttl: seconds(record.ttl ?? 0) };
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { ...base, type: record.type, data: record.data };
    case 'CNAME':
    case 'PTR':
      return { ...base, type: record.type, data: normalName(record.data) };
    case 'MX': {
      const { preference = 0, exchange } = record.data;
      return { ...base, type: 'MX', data: { preference, exchange: normalName(exchange) } };
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

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
