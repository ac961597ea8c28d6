/**
 * A Connection over one socket of node:net, or of node:tls once TLS is up.
 *
 * What was received is never lost to a write that failed: a server that refuses and closes at once answers our next
 * write with a reset, while its refusal still waits in the kernel. Node would destroy the socket then; here the failed
 * write is only remembered, and reading goes on until it ends by itself. Nothing is thrown out of an event, late errors
 * are absorbed, and no more than a bounded amount is read ahead of `take`.
 */
import type { Socket } from 'node:net';
import type { Peer } from '../mail/result.ts';
import { WireError } from '../smtp/dialogue.ts';
import { handshake, type PreparedTls, prepareTls } from '../tls/handshake.ts';
import type { TlsPlan } from '../tls/policy.ts';
import type { Connection } from './connection.ts';

// Replies are small; more than this unread is a server that talks without being asked.
const MAX_UNREAD = 256 * 1024;
// How long a forgotten connection may take to say goodbye, in a process that goes on.
const FORGET_AFTER = 5_000;

type Over = 'ended' | 'reset';

/** Takes over an open socket made with `allowHalfOpen`. */
export function createConnection(socket: Socket, peer: Peer): Connection {
  return new SocketConnection(socket, peer);
}

class SocketConnection implements Connection {
  peer: Peer;
  readonly localAddress: string | undefined;
  #socket: Socket;
  #unread: Buffer[] = [];
  #unreadSize = 0;
  #over: Over | undefined;
  #writeFailed = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, peer: Peer) {
    this.#socket = socket;
    this.peer = peer;
    this.localAddress = socket.localAddress;
    this.#attach();
  }

  take(): Buffer | null {
    if (this.#unreadSize === 0) return null;
    const bytes = this.#unread.length === 1 ? this.#unread[0] : Buffer.concat(this.#unread);
    this.#unread = [];
    this.#unreadSize = 0;
    this.#socket.resume();
    return bytes ?? null;
  }

  readable(milliseconds: number): Promise<'bytes' | Over | 'timeout'> {
    return this.#wait(milliseconds, () => this.#received());
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#over !== undefined || this.#writeFailed) return false;
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk, this.#notify);
    this.#socket.uncork();
    return this.#socket.writableLength === 0;
  }

  writable(milliseconds: number): Promise<'drained' | 'bytes' | Over | 'timeout'> {
    const drained = () => (this.#writeFailed || this.#socket.writableLength > 0 ? undefined : 'drained');
    return this.#wait(milliseconds, () => this.#received() ?? drained());
  }

  async startTls(plan: TlsPlan, milliseconds: number): Promise<void> {
    try {
      const prepared = await prepare(plan);
      if (this.#unreadSize > 0) {
        throw new WireError('Cannot start TLS: bytes came before it', { trouble: 'unasked', stage: 'tls' });
      }
      this.#detach();
      const { host } = this.peer;
      const { socket, facts } = await handshake(this.#socket, plan, { prepared, host, milliseconds });
      this.#socket = socket;
      this.peer = { ...this.peer, tls: facts };
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.#attach();
  }

  finish(): void {
    const socket = this.#socket;
    this.#detach();
    socket.resume();
    socket.end();
    socket.unref();
    setTimeout(() => socket.destroy(), FORGET_AFTER).unref();
  }

  destroy(): void {
    this.#over ??= 'ended';
    this.#socket.destroy();
    this.#notify();
  }

  #received(): 'bytes' | Over | undefined {
    return this.#unreadSize > 0 ? 'bytes' : this.#over;
  }

  #wait<T>(milliseconds: number, look: () => T | undefined): Promise<T | 'timeout'> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    if (milliseconds <= 0) return Promise.resolve('timeout');
    return new Promise((resolve) => {
      const done = (result: T | 'timeout'): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(result);
      };
      const timer = setTimeout(() => done(look() ?? 'timeout'), Math.min(milliseconds, 0x7fff_ffff));
      this.#wake = () => {
        const result = look();
        if (result !== undefined) done(result);
      };
    });
  }

  readonly #notify = (): void => this.#wake?.();

  readonly #onData = (bytes: Buffer): void => {
    this.#unread.push(bytes);
    this.#unreadSize += bytes.length;
    if (this.#unreadSize > MAX_UNREAD) this.#socket.pause();
    this.#notify();
  };

  readonly #onEnd = (): void => {
    this.#over ??= this.#writeFailed ? 'reset' : 'ended';
    this.#notify();
  };

  readonly #onError = (): void => {
    this.#over ??= 'reset';
    this.#notify();
  };

  #attach(): void {
    const socket = this.#socket;
    surviveFailedWrites(socket, () => {
      this.#writeFailed = true;
    });
    socket.on('error', this.#onError);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
  }

  #detach(): void {
    const socket = this.#socket;
    socket.on('error', absorb);
    socket.off('error', this.#onError);
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onEnd);
  }
}

async function prepare(plan: TlsPlan): Promise<PreparedTls> {
  try {
    return await prepareTls(plan);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError(`Cannot start TLS: ${reason}`, { trouble: 'tls', stage: 'tls', cause: error });
  }
}

const absorb = (): void => {};

type Done = (error?: Error | null) => void;

/** Makes a failed write look done to the stream, so that it is not destroyed and reading can come to its own end. */
function surviveFailedWrites(socket: Socket, failed: () => void): void {
  const survive =
    (done: Done): Done =>
    (error) => {
      if (error !== null && error !== undefined) failed();
      done();
    };
  const write = socket._write;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, survive(done));
  const writev = socket._writev;
  if (writev !== undefined) socket._writev = (chunks, done) => writev.call(socket, chunks, survive(done));
}
