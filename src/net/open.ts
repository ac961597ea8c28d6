import { connect, isIP, type Socket } from 'node:net';
import { quoted } from '../mail/printable.ts';
import type { Target } from './connection.ts';
import { withPort } from './local-address.ts';
import { type SocksProxy, type SocksRefusal, socksDialogue } from './socks.ts';

/*
 * One socket to one address of a target: straight, or through a SOCKS5 proxy, from a local address where one is asked
 * for. The proxy's own name is the only one that is looked up here, by the system.
 */

/** Refuses as the system would. */
class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly code: string;

  constructor({ code, reason }: SocksRefusal) {
    super(reason);
    this.code = code;
  }
}

/** Rejects where the address does not answer, or the signal is aborted; the socket is destroyed then. */
export function openSocket(address: string, target: Target, signal: AbortSignal): Promise<Socket> {
  const { port, proxy, source } = target;
  if (address.startsWith('/')) return opened({ path: address }, signal);
  const isName = isIP(address) === 0;
  if (isName && proxy === undefined) return Promise.reject(new Error(`${quoted(address)} is no IP address`));
  const to = { host: proxy?.host ?? address, port: proxy?.port ?? port };
  const from = sourceFor(to.host, source);
  if (from === undefined) return Promise.reject(new OpenError(NO_SOURCE));
  const straight = opened({ ...to, ...from }, signal);
  return proxy === undefined ? straight : through(straight, { address, port, proxy, signal });
}

const NO_SOURCE = { code: 'EADDRNOTAVAIL', reason: 'there is no source address of this family' };

/** How node:net is told where to connect from; undefined where no source is of the address's family. */
function sourceFor(
  host: string,
  source: readonly string[] | undefined,
): { readonly localAddress?: string; readonly family?: number } | undefined {
  if (source === undefined) return {};
  const family = isIP(host);
  const localAddress = source.find((each) => family === 0 || isIP(each) === family);
  // A name is looked up in the family that we can connect from.
  return localAddress === undefined ? undefined : { localAddress, family: isIP(localAddress) };
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

function opened(to: Place, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, allowHalfOpen: true, noDelay: true, autoSelectFamily: false });
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
      resolve(socket);
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}

interface Passage {
  readonly address: string;
  readonly port: number;
  readonly proxy: SocksProxy;
  readonly signal: AbortSignal;
}

async function through(straight: Promise<Socket>, passage: Passage): Promise<Socket> {
  const { proxy, signal } = passage;
  const shown = withPort(proxy.host, proxy.port);
  const socket = await straight.catch((error: unknown) => {
    throw new OpenError({ code: codeOf(error), reason: `proxy ${shown}: ${wordsOf(error).reason}` });
  });
  const refusal = await negotiated(socket, passage).catch((error: unknown) => wordsOf(error));
  if (refusal === undefined && !signal.aborted) return socket;
  socket.destroy();
  throw new OpenError({
    code: refusal?.code ?? 'ABORT_ERR',
    reason: `proxy ${shown}: ${refusal?.reason ?? 'stopped'}`,
  });
}

/** Carries the dialogue; what stands behind it stays in the socket, which is paused then. Rejects for a broken wire. */
function negotiated(socket: Socket, { address, port, proxy, signal }: Passage): Promise<SocksRefusal | undefined> {
  return new Promise((resolve, reject) => {
    const dialogue = socksDialogue({ address, port }, proxy);
    let step = dialogue.next();
    let unread = Buffer.alloc(0);
    const closed = (): void => end(() => reject(new OpenError(CLOSED)));
    const stop = (): void => end(() => reject(new OpenError({ code: 'ABORT_ERR', reason: 'stopped' })));
    const failed = (error: Error): void => end(() => reject(error));
    const end = (settle: () => void): void => {
      socket.off('data', read).off('end', closed).off('close', closed).off('error', failed);
      signal.removeEventListener('abort', stop);
      socket.pause();
      settle();
    };
    const finish = (refusal: SocksRefusal | undefined): void =>
      end(() => {
        if (unread.length > 0) socket.unshift(unread);
        resolve(refusal);
      });
    const read = (bytes: Buffer): void => {
      unread = Buffer.concat([unread, bytes]);
      while (step.done !== true && unread.length >= step.value.want) {
        const { want } = step.value;
        step = dialogue.next(unread.subarray(0, want));
        unread = unread.subarray(want);
        if (step.done !== true) socket.write(step.value.send);
      }
      if (step.done === true) finish(step.value);
    };
    if (step.done === true) return finish(step.value);
    socket.on('data', read).on('end', closed).on('close', closed).on('error', failed);
    signal.addEventListener('abort', stop);
    if (signal.aborted) return stop();
    socket.write(step.value.send);
  });
}

const CLOSED = { code: 'EPROXY', reason: 'the proxy closed the connection' };

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
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';

/** The code of an error, and its reason in a few words. */
export function wordsOf(error: unknown): SocksRefusal {
  if (error instanceof OpenError) return { code: error.code, reason: error.message };
  const code = codeOf(error);
  return { code, reason: WORDS[code] ?? (error instanceof Error ? error.message : String(error)) };
}
