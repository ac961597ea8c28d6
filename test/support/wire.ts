import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The server's end of a connection, read in lines and in counted bytes. */
export interface Wire {
  /** The next line without its CRLF, one character a byte; null at the end of the connection. */
  line(): Promise<string | null>;
  /** Exactly so many bytes; null where the connection ends before. */
  bytes(count: number): Promise<Buffer | null>;
  /** What comes before the marker, which is taken too; null where the connection ends before. */
  until(marker: string): Promise<Buffer | null>;
  /** Received and not yet read. */
  waiting(): number;
  write(text: string): void;
  /** Becomes the server of a TLS handshake. */
  startTls(certificate: { readonly cert: string; readonly key: string }): Promise<void>;
  readonly encrypted: boolean;
  end(): void;
}

export function openWire(first: Socket): Wire {
  let socket = first;
  let buffered = Buffer.alloc(0);
  let ended = false;
  let wake = () => {};

  function listen() {
    socket.on('data', (bytes: Buffer) => {
      buffered = Buffer.concat([buffered, bytes]);
      wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        ended = true;
        wake();
      });
    }
  }

  /** Waits until `find` sees an amount of bytes to take. */
  async function take(find: () => number): Promise<Buffer | null> {
    for (;;) {
      const count = find();
      if (count >= 0) {
        const taken = buffered.subarray(0, count);
        buffered = buffered.subarray(count);
        return taken;
      }
      if (ended) return null;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  async function until(marker: string): Promise<Buffer | null> {
    const taken = await take(() => {
      const at = buffered.indexOf(marker);
      return at < 0 ? -1 : at + marker.length;
    });
    return taken === null ? null : taken.subarray(0, taken.length - marker.length);
  }

  listen();
  return {
    line: async () => (await until('\r\n'))?.toString('latin1') ?? null,
    bytes: (count) => take(() => (buffered.length >= count ? count : -1)),
    until,
    waiting: () => buffered.length,
    write: (text) => {
      if (!ended) socket.write(text, 'latin1');
    },
    async startTls(certificate) {
      socket.removeAllListeners('data');
      const secured = new TLSSocket(socket, { isServer: true, ...certificate });
      socket = secured;
      listen();
      await Promise.race([once(secured, 'secure').catch(() => {}), once(secured, 'close').catch(() => {})]);
    },
    get encrypted() {
      return socket instanceof TLSSocket;
    },
    end: () => {
      socket.end();
    },
  };
}
