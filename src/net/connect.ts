/**
 * Opens a connection to the first address of a target that answers: the next address is tried 250 ms after the last, or
 * at once when it has failed (RFC 8305, happy eyeballs), all of them within one absolute limit. Names are not looked up
 * here; how one socket is opened is the affair of `open`. With implicit TLS the handshake is part of it, and the secure
 * context is made while the connection is set up.
 */
import type { Socket } from 'node:net';
import { createEnding, type Ending } from '../mail/ending.ts';
import { ConnectError, type Connection, type Target } from './connection.ts';
import { openSocket } from './open.ts';
import { wordsOf } from './open-error.ts';
import { race } from './race.ts';
import { createConnection, expectTls } from './socket.ts';

// RFC 8305, section 8, recommends 250 ms.
const STAGGER = 250;
// Through a proxy there is no dead family to be feared, and each way may take seconds to be built.
const PROXY_STAGGER = 3_000;

/** @throws {ConnectError} where no address answers. @throws {WireError} where implicit TLS fails. */
export async function connect(target: Target, signal?: Ending): Promise<Connection> {
  if (target.implicitTls !== undefined) expectTls(target.implicitTls);
  const { address, socket } = await openFirst(target, signal);
  const connection = createConnection(socket, { host: target.host, address, port: target.port });
  if (target.implicitTls !== undefined) await connection.startTls(target.implicitTls, target.tlsTimeout);
  return connection;
}

interface Opened {
  readonly address: string;
  readonly socket: Socket;
}

async function openFirst(target: Target, signal: Ending | undefined): Promise<Opened> {
  const stop = createEnding();
  const abort = (): void => stop.abort();
  const timer = setTimeout(abort, target.connectTimeout);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  const end = await race<string, Opened>({
    candidates: target.addresses,
    start: async (address, stopped) => ({ address, socket: await openSocket(address, target, stopped) }),
    stagger: target.proxy === undefined ? STAGGER : PROXY_STAGGER,
    discard: ({ socket }) => socket.destroy(),
    signal: stop.signal,
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  if (end.won) return end.result;
  const given = signal?.aborted === true ? 'given up' : `no answer within ${target.connectTimeout / 1000} s`;
  const failed = end.failures.map(({ candidate, reason }) => ({ address: candidate, ...wordsOf(reason) }));
  const silent = target.addresses
    .filter((address) => !failed.some((failure) => failure.address === address))
    .map((address) => ({ address, code: signal?.aborted === true ? 'ABORT_ERR' : 'ETIMEDOUT', reason: given }));
  throw new ConnectError(target, [...failed, ...silent]);
}
