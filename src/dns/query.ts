import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createAsk, type Exchanged, type Manner, type Question } from './ask.ts';
import type { Server, ServerSettings } from './resolv-conf.ts';
import type { Resolver } from './resolver.ts';
import { createStub } from './stub.ts';
import { createQuery, type Query, readReply } from './wire.ts';

/**
 * Our own stub resolver: Node's would hide TTLs, the AD bit, and whether a name is missing or a server silent.
 *
 * This file is its way to the network. A question goes over a UDP socket of its own, so that its port is as random as its
 * id, and is connected to its server, so that the system drops what others send. What comes is matched by id, kind and
 * question, and what does not match is ignored while the wait goes on (RFC 5452, section 9.1). `wire` makes and
 * reads the packets, `ask` chooses servers, `stub` follows CNAMEs and remembers; neither knows of sockets.
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

// RFC 1035, section 4.2.2: two octets say the length.
const MAX_TCP = 65_535;

export function createResolver(options: ResolverOptions): NetworkResolver {
  const open = new Set<() => void>();
  const exchange = async (server: Server, question: Question, manner: Manner): Promise<Exchanged> => {
    const id = randomInt(0x10000);
    try {
      const query = createQuery(question, id, manner.hasEdns);
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
    socket.once('connect', () => {
      const peer = socket.remoteAddress();
      socket.on('message', (bytes, from) => {
        // Before it was connected, for an instant, the socket took what anyone sent.
        const exchanged =
          from.address === peer.address && from.port === peer.port ? readReply(bytes, query) : undefined;
        if (exchanged !== undefined) settle(exchanged);
      });
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

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
