/**
 * A mail server that goes wrong as it is told (`fault-acts.ts`), over real sockets, and writes down what it heard. Where
 * nothing is said of a point it does what RFC 5321 says: so every fault stands alone.
 *
 *     const server = await startFaultServer({ dot: [CLOSE] });
 *     … send to server.port …
 *     server.heard, server.messages; await server.close();
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocketOptions } from 'node:tls';
import type { TestCertificate } from './certificates.ts';
import type { Act, Behaviour, Point } from './fault-acts.ts';
import { FaultSession } from './fault-session.ts';

/** A command line, or the reply to a challenge. */
export interface Heard {
  readonly line: string;
  readonly encrypted: boolean;
  /** From 0, in the order of arrival. */
  readonly connection: number;
}

export interface FaultMessage {
  readonly recipients: readonly string[];
  /** As it came: with stuffed dots after DATA, without the final dot. */
  readonly bytes: Buffer;
  readonly form: 'dots' | 'plain';
  /** The final dot, or all of the last chunk, came. */
  readonly ended: boolean;
  /** Those that were told 2xx about it. */
  readonly promised: readonly string[];
}

/** What a server was told and saw, over all its connections. */
export interface FaultLog {
  connections: number;
  readonly heard: Heard[];
  readonly messages: FaultMessage[];
}

export interface FaultServer extends Readonly<FaultLog> {
  readonly port: number;
  close(): Promise<void>;
}

export type Certificates = Readonly<Record<NonNullable<Behaviour['tls']>, TestCertificate>>;

export interface FaultServerOptions {
  readonly host?: string;
  readonly port?: number;
  readonly certificates?: Certificates;
}

/** The acts of one server, counted over all its connections. */
export interface Acting {
  readonly behaviour: Behaviour;
  readonly log: FaultLog;
  readonly tls: (TLSSocketOptions & { readonly cert: string; readonly key: string }) | undefined;
  /** What is done this time; undefined is the usual. */
  next(point: Point): readonly Act[] | undefined;
  leave(): void;
}

export async function startFaultServer(
  behaviour: Behaviour,
  { host = '127.0.0.1', port = 0, certificates }: FaultServerOptions = {},
): Promise<FaultServer> {
  const log: FaultLog = { connections: 0, heard: [], messages: [] };
  const sockets = new Set<Socket>();
  const sessions: Promise<void>[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const acting: Acting = {
    behaviour,
    log,
    tls: certificates === undefined ? undefined : tlsOptions(behaviour, certificates),
    next: counting(behaviour),
    leave: () => void server.close(),
  };
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    sessions.push(new FaultSession(socket, acting, log.connections++).serve());
  });
  await listening(server, host, port);
  const place = server.address();
  return {
    ...log,
    get connections() {
      return log.connections;
    },
    port: typeof place === 'object' && place !== null ? place.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(sessions);
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

function counting(behaviour: Behaviour): Acting['next'] {
  const times = new Map<Point, number>();
  return (point) => {
    const acts = behaviour[point];
    if (acts === undefined || !('turns' in acts)) return acts;
    const time = times.get(point) ?? 0;
    times.set(point, time + 1);
    return acts.turns[Math.min(time, acts.turns.length - 1)];
  };
}

function tlsOptions({ tls }: Behaviour, certificates: Certificates): Acting['tls'] {
  if (tls === undefined) return undefined;
  const { cert, key } = certificates[tls];
  switch (tls) {
    case 'old-version':
      return { cert, key, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    case 'asks-for-certificate':
      return { cert, key, requestCert: true, rejectUnauthorized: false };
    case 'good':
    case 'wrong-name':
    case 'self-signed':
    case 'expired':
      return { cert, key };
  }
}
