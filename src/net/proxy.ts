import type { Socket } from 'node:net';
import type { Ending } from '../mail/ending.ts';
import { withPort } from './local-address.ts';
import { codeOf, OpenError, wordsOf } from './open-error.ts';
import { type SocksProxy, type SocksRefusal, socksDialogue } from './socks.ts';

interface Passage {
  readonly address: string;
  readonly port: number;
  readonly proxy: SocksProxy;
  readonly signal: Ending;
}

/** The socket to the proxy, once that is through to the address. Rejects where it does not come to that. */
export async function through(straight: Promise<Socket>, passage: Passage): Promise<Socket> {
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
