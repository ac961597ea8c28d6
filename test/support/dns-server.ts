import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import {
  type Answer,
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  type RecordType,
} from 'dns-packet';

/**
 * A small authoritative name server on loopback, UDP and TCP on one port, which answers from a table:
 *
 *   const dns = await startDns({ 'example.org': { MX: ['10 mx.example.org'] }, 'mx.example.org': { A: ['192.0.2.1'] } });
 *   … dns.port, dns.log …
 *   await dns.close();
 *
 * A name that is in the table, or above one that is, exists; others get NXDOMAIN. CNAMEs are followed inside of the
 * table. `alter` turns an answer into the packets that are sent instead: none is silence.
 */
export interface ZoneName {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  /** `10 mx.example.org`; `0 .` is a null MX. */
  readonly MX?: readonly string[];
  readonly TXT?: readonly string[];
  readonly PTR?: readonly string[];
  readonly TLSA?: readonly { usage: number; selector: number; matchingType: number; certificate: Buffer }[];
  readonly CNAME?: string;
  /** Seconds; 60 without it. */
  readonly ttl?: number;
  /** Instead of an answer: 2 is SERVFAIL, 3 NXDOMAIN, 5 REFUSED. */
  readonly code?: number;
  /** Answers nothing to these types, or to any. */
  readonly silent?: true | readonly string[];
  /** Sets the AD bit. */
  readonly authentic?: boolean;
}

export type Zones = Readonly<Record<string, ZoneName>>;

export interface Asked {
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly hasEdns: boolean;
  readonly id: number;
}

export type Alter = (answer: Buffer, asked: Asked) => readonly Buffer[] | Promise<readonly Buffer[]>;

export interface DnsServer {
  readonly address: string;
  readonly port: number;
  /** Every question, in the order of arrival. */
  readonly log: readonly Asked[];
  close(): Promise<void>;
}

export interface DnsServerOptions {
  readonly alter?: Alter;
  /** Octets of one write over TCP; all at once without it. */
  readonly chunk?: number;
}

export const SERVFAIL = 2;
export const REFUSED = 5;
const NXDOMAIN = 3;
const TRUNCATED = 0x0200;

export async function startDns(zones: Zones, options: DnsServerOptions = {}): Promise<DnsServer> {
  const log: Asked[] = [];
  const sockets = new Set<Socket>();
  const answer = async (query: Buffer, transport: 'udp' | 'tcp'): Promise<readonly Buffer[]> => {
    const reply = respond(zones, query, transport);
    log.push(reply.asked);
    return reply.bytes === undefined ? [] : ((await options.alter?.(reply.bytes, reply.asked)) ?? [reply.bytes]);
  };
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', async (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = received.subarray(2, end);
        received = received.subarray(end);
        for (const bytes of await answer(query, 'tcp')) await writeFramed(socket, bytes, options.chunk);
      }
    });
  });
  const udp = createSocket('udp4');
  udp.on('message', async (query, from) => {
    for (const bytes of await answer(query, 'udp')) udp.send(bytes, from.port, from.address, () => undefined);
  });
  const port = await listenOnOnePort(tcp, udp);
  return {
    address: '127.0.0.1',
    port,
    log,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

/** A free port for both; another one is tried where UDP has it taken. */
async function listenOnOnePort(
  tcp: ReturnType<typeof createServer>,
  udp: ReturnType<typeof createSocket>,
): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const place = tcp.address();
    if (place === null || typeof place === 'string') break;
    const isFree = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(place.port, '127.0.0.1', () => resolve(true));
    });
    if (isFree) return place.port;
    await new Promise<void>((resolve) => tcp.close(() => resolve()));
  }
  throw new Error('Cannot start name server: no port is free for TCP and UDP');
}

async function writeFramed(socket: Socket, bytes: Buffer, chunk = 65_537): Promise<void> {
  const framed = Buffer.alloc(2 + bytes.length);
  framed.writeUInt16BE(bytes.length);
  bytes.copy(framed, 2);
  for (let at = 0; at < framed.length && !socket.destroyed; at += chunk) {
    socket.write(framed.subarray(at, at + chunk));
    if (chunk < framed.length) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function respond(zones: Zones, query: Buffer, transport: 'udp' | 'tcp'): { bytes: Buffer | undefined; asked: Asked } {
  const { id = 0, questions = [], additionals = [] } = decode(query);
  const [question = { name: '.', type: 'A' as const }] = questions;
  const opt = additionals.find((record) => record.type === 'OPT');
  const asked = { name: question.name.toLowerCase(), type: question.type, transport, hasEdns: opt !== undefined, id };
  const first = zones[asked.name];
  const isSilent = first?.silent === true || (Array.isArray(first?.silent) && first.silent.includes(asked.type));
  if (isSilent) return { bytes: undefined, asked };
  const { answers, last } = gather(zones, asked.name, question.type);
  const code = first?.code ?? (exists(zones, last) ? 0 : NXDOMAIN);
  const flags = AUTHORITATIVE_ANSWER | (first?.authentic ? AUTHENTIC_DATA : 0) | code;
  const base: Packet = { type: 'response', id, flags, questions: [question] };
  const data = { mname: 'ns.test', rname: 'root.test', minimum: 60 };
  const soa: Answer = { type: 'SOA', name: last, ttl: 60, data };
  const bytes = encode({
    ...base,
    answers: first?.code === undefined ? answers : [],
    authorities:
      answers.some((record) => record.type === question.type) || exists(zones, last) === undefined ? [] : [soa],
    additionals: opt === undefined ? [] : [opt],
  });
  const room = transport === 'tcp' ? 65_535 : opt?.type === 'OPT' ? opt.udpPayloadSize : 512;
  return { bytes: bytes.length <= room ? bytes : encode({ ...base, flags: flags | TRUNCATED }), asked };
}

/** The records of a name and type with the CNAMEs before them, and the last name of the chain. */
function gather(zones: Zones, name: string, type: RecordType): { answers: Answer[]; last: string } {
  const answers: Answer[] = [];
  let last = name;
  for (let hops = 0; hops < 20; hops += 1) {
    const here = zones[last];
    const ttl = here?.ttl ?? 60;
    if (here?.CNAME === undefined || type === 'CNAME') {
      answers.push(...recordsOf(here ?? {}, type).map((record) => ({ ...record, name: last, ttl }) as Answer));
      break;
    }
    answers.push({ type: 'CNAME', name: last, ttl, data: here.CNAME });
    const next = here.CNAME.toLowerCase();
    if (zones[next] === undefined) return { answers, last: next };
    last = next;
  }
  return { answers, last };
}

function recordsOf(entry: ZoneName, type: RecordType): readonly { type: RecordType; data: unknown }[] {
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'PTR':
    case 'TLSA':
    case 'TXT':
      return (entry[type] ?? []).map((data: unknown) => ({ type, data }));
    case 'CNAME':
      return entry.CNAME === undefined ? [] : [{ type, data: entry.CNAME }];
    case 'MX':
      return (entry.MX ?? []).map((line) => {
        const [preference, exchange = ''] = line.split(' ');
        return { type, data: { preference: Number(preference), exchange } };
      });
    default:
      return [];
  }
}

const exists = (zones: Zones, name: string): boolean =>
  zones[name] !== undefined || Object.keys(zones).some((known) => known.endsWith(`.${name}`));

/** No answer at all. */
export const silence: Alter = () => [];

/** The answer with one of its octets, or a few from there, replaced. */
export function patched(answer: Buffer, at: number, octets: readonly number[]): Buffer {
  const copy = Buffer.from(answer);
  Buffer.from(octets).copy(copy, at < 0 ? copy.length + at : at);
  return copy;
}
