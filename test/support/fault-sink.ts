/** A mail server that takes messages of any size, counts their octets, and keeps none. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface Sink {
  readonly port: number;
  /** Octets of all messages, as they came. */
  readonly octets: number;
  close(): Promise<void>;
}

const END = Buffer.from('\r\n.\r\n');

/** `onEnd` is called when the final dot is there, before it is answered. */
export async function startSink(onEnd: () => void): Promise<Sink> {
  let octets = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let isBody = false;
    let tail = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.write('220 sink\r\n');
    socket.on('data', (bytes: Buffer) => {
      if (isBody) {
        octets += bytes.length;
        tail = Buffer.concat([tail.subarray(-8), bytes.subarray(-16)]);
        const at = tail.indexOf(END);
        if (at < 0) return;
        isBody = false;
        onEnd();
        return void socket.end('250 2.0.0 ok\r\n');
      }
      for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
        isBody ||= line === 'DATA';
        socket.write(isBody ? '354 go\r\n' : '250 ok\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = server.address();
  return {
    port: typeof place === 'object' && place !== null ? place.port : 0,
    get octets() {
      return octets;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
