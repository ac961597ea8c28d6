/**
 * Opens a connection to the first address of a target that answers: the next address is tried 250 ms after the last, or
 * at once when it has failed (RFC 8305, happy eyeballs), all of them within one absolute limit. Names are not looked up
 * here. With implicit TLS the handshake is part of it, and the secure context is made while the connection is set up.
 */
import { isIP, connect as open, type Socket } from 'node:net';
import { quoted } from '../mail/printable.ts';
import { prepareTls } from '../tls/handshake.ts';
import { ConnectError, type ConnectFailure, type Connection, type Target } from './connection.ts';
import { race } from './race.ts';
import { createConnection } from './socket.ts';

// RFC 8305, section 8, recommends 250 ms.
const STAGGER = 250;

/** @throws {ConnectError} where no address answers. @throws {WireError} where implicit TLS fails. */
export async function connect(target: Target, signal?: AbortSignal): Promise<Connection> {
  if (target.implicitTls !== undefined) void prepareTls(target.implicitTls);
  const { address, socket } = await openFirst(target, signal);
  const connection = createConnection(socket, { host: target.host, address, port: target.port });
  if (target.implicitTls !== undefined) await connection.startTls(target.implicitTls, target.tlsTimeout);
  return connection;
}

interface Opened {
  readonly address: string;
  readonly socket: Socket;
}

async function openFirst(target: Target, signal: AbortSignal | undefined): Promise<Opened> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const timer = setTimeout(abort, target.connectTimeout);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  const end = await race<string, Opened>({
    candidates: target.addresses,
    start: (address, stopped) => openOne(address, target.port, stopped),
    stagger: STAGGER,
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

function openOne(address: string, port: number, signal: AbortSignal): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const isPath = address.startsWith('/');
    if (!isPath && isIP(address) === 0) throw new Error(`${quoted(address)} is no IP address`);
    const options = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false };
    const socket = open(isPath ? { path: address, ...options } : { host: address, port, ...options });
    const stop = (): void => {
      socket.destroy();
      reject(new Error('stopped'));
    };
    socket.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      resolve({ address, socket });
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host is unreachable',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'address is not available',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such socket',
};

function wordsOf(error: unknown): Omit<ConnectFailure, 'address'> {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', reason: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
  return { code, reason: WORDS[code] ?? error.message };
}
