/**
 * A Connection over one socket of node:net, or of node:tls once TLS is up.
 *
 * What was received is never lost to a write that failed: a server that refuses and closes at once answers our next
 * write with a reset, while its refusal still waits in the kernel. Node would destroy the socket then; here the failed
 * write is only remembered, and reading goes on until it ends by itself. Nothing is thrown out of an event, late errors
 * are absorbed, and no more than a bounded amount is read ahead of `take`.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Peer } from '../mail/result.ts';
import { WireError } from '../smtp/dialogue.ts';
import type { ChannelBinding } from '../smtp/sasl/binding.ts';
import type { TlsPlan } from '../tls/policy.ts';
import type { Connection } from './connection.ts';

// Replies are small; more than this unread is a server that talks without being asked.
const MAX_UNREAD = 256 * 1024;
// How long a forgotten connection may take to say goodbye, in a process that goes on.
const FORGET_AFTER = 5_000;

/** Takes over an open socket made with `allowHalfOpen`. */
export function createConnection(open: Socket, to: Peer): Connection {
  let socket = open;
  let peer = to;
  let bindings: () => readonly ChannelBinding[] = () => [];
  let chain: () => readonly X509Certificate[] = () => [];
  let unread: Buffer[] = [];
  let unreadSize = 0;
  let over: 'ended' | 'reset' | undefined;
  let writeFailed = false;
  let wake: (() => void) | undefined;

  const notify = (): void => wake?.();
  const onData = (bytes: Buffer): void => {
    unread.push(bytes);
    unreadSize += bytes.length;
    if (unreadSize > MAX_UNREAD) socket.pause();
    notify();
  };
  const onEnd = (): void => {
    over ??= writeFailed ? 'reset' : 'ended';
    notify();
  };
  const onError = (): void => {
    over ??= 'reset';
    notify();
  };

  function attach(): void {
    surviveFailedWrites(socket, () => {
      writeFailed = true;
    });
    socket.on('error', onError).on('data', onData).on('end', onEnd).on('close', onEnd);
  }
  function detach(): void {
    socket.on('error', () => {});
    socket.off('error', onError).off('data', onData).off('end', onEnd).off('close', onEnd);
  }
  function destroy(): void {
    over ??= 'ended';
    socket.destroy();
    notify();
  }

  const received = (): 'bytes' | 'ended' | 'reset' | undefined => (unreadSize > 0 ? 'bytes' : over);
  const drained = (): 'drained' | undefined => (writeFailed || socket.writableLength > 0 ? undefined : 'drained');

  /** Looks again whenever something happened. One waits at a time. */
  function wait<T>(milliseconds: number, look: () => T | undefined): Promise<T | 'timeout'> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    if (milliseconds <= 0) return Promise.resolve('timeout');
    return new Promise((resolve) => {
      const done = (result: T | 'timeout'): void => {
        clearTimeout(timer);
        wake = undefined;
        resolve(result);
      };
      const timer = setTimeout(() => done(look() ?? 'timeout'), Math.min(milliseconds, LONGEST_TIMER));
      wake = () => {
        const result = look();
        if (result !== undefined) done(result);
      };
    });
  }

  attach();
  // A proxy's last word may have come with the server's first.
  socket.resume();
  return {
    get peer() {
      return peer;
    },
    get localAddress() {
      return open.localAddress;
    },
    bindings: () => bindings(),
    chain: () => chain(),
    take() {
      const [first] = unread;
      if (first === undefined) return null;
      const bytes = unread.length === 1 ? first : Buffer.concat(unread);
      unread = [];
      unreadSize = 0;
      socket.resume();
      return bytes;
    },
    readable: (milliseconds) => wait(milliseconds, received),
    write(chunks) {
      if (over !== undefined || writeFailed) return false;
      socket.cork();
      for (const chunk of chunks) socket.write(chunk, notify);
      socket.uncork();
      return socket.writableLength === 0;
    },
    writable: (milliseconds) => wait(milliseconds, () => received() ?? drained()),
    async startTls(plan, milliseconds) {
      try {
        const { handshake, prepared } = await prepare(plan);
        if (unreadSize > 0) {
          throw new WireError('bytes came before TLS was started', { trouble: 'unasked', stage: 'tls' });
        }
        detach();
        const secured = await handshake(socket, plan, { prepared, host: peer.host, milliseconds });
        socket = secured.socket;
        peer = { ...peer, tls: secured.facts };
        bindings = secured.bindings;
        chain = secured.chain;
      } catch (error) {
        destroy();
        throw error;
      }
      attach();
    },
    finish() {
      detach();
      socket.resume();
      socket.end();
      socket.unref();
      const last = socket;
      setTimeout(() => last.destroy(), FORGET_AFTER).unref();
    },
    destroy,
  };
}

const LONGEST_TIMER = 0x7fff_ffff;

/** Begins to load what TLS needs, for whoever is going to start it; what is wrong is told then. */
export function expectTls(plan: TlsPlan): void {
  prepare(plan).catch(() => {});
}

/** Loaded here, because mail in the clear needs none of it. */
async function prepare(plan: TlsPlan) {
  const { handshake, prepareTls } = await import('../tls/handshake.ts');
  try {
    return { handshake, prepared: await prepareTls(plan) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError(`Cannot start TLS: ${reason}`, { trouble: 'tls', stage: 'tls', cause: error });
  }
}

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
