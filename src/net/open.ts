import { connect, isIP, type Socket } from 'node:net';
import type { Ending } from '../mail/ending.ts';
import { quoted } from '../mail/printable.ts';
import type { Target } from './connection.ts';
import { OpenError } from './open-error.ts';

/*
 * One socket to one address of a target: straight, or through a SOCKS5 proxy, from a local address where one is asked
 * for. The proxy's own name is the only one that is looked up here, by the system.
 */

/** Rejects where the address does not answer, or the signal is aborted; the socket is destroyed then. */
export function openSocket(address: string, target: Target, signal: Ending): Promise<Socket> {
  const { port, proxy, source } = target;
  if (address.startsWith('/')) return opened({ path: address }, signal);
  const isName = isIP(address) === 0;
  if (isName && proxy === undefined) return Promise.reject(new Error(`${quoted(address)} is no IP address`));
  const to = { host: proxy?.host ?? address, port: proxy?.port ?? port };
  const from = sourceFor(to.host, source);
  if (from === undefined) return Promise.reject(new OpenError(NO_SOURCE));
  const straight = opened({ ...to, ...from }, signal);
  if (proxy === undefined) return straight;
  straight.catch(() => {});
  return import('./proxy.ts').then(({ through }) => through(straight, { address, port, proxy, signal }));
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

function opened(to: Place, signal: Ending): Promise<Socket> {
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
