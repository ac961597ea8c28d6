import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A connection that went through the proxy. */
export interface Trip {
  /** The TCP handshake, and every burst of the server that came after bytes of the client, or first. */
  readonly roundTrips: number;
}

/**
 * A TCP proxy that makes loopback a long way. A real client is connected after one round trip, and the server sees the
 * connection half of one later; so the server is only called after one and a half, and each byte takes half of one.
 */
export async function startDelay(target: number, roundTripMs: number, onEnd: (trip: Trip) => void): Promise<number> {
  const oneWay = roundTripMs / 2;

  function carry(from: Socket, to: Socket, onBytes: () => void) {
    from.on('data', (bytes: Buffer) => {
      onBytes();
      setTimeout(() => to.writable && to.write(bytes), oneWay);
    });
    from.on('end', () => setTimeout(() => to.end(), oneWay));
    from.on('close', () => setTimeout(() => to.destroySoon(), oneWay));
    from.on('error', () => from.destroy());
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    let roundTrips = 1;
    let last: 'client' | 'server' = 'client';
    client.setNoDelay(true);
    setTimeout(() => {
      const far = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      carry(client, far, () => {
        last = 'client';
      });
      carry(far, client, () => {
        if (last === 'client') roundTrips += 1;
        last = 'server';
      });
      far.on('close', () => onEnd({ roundTrips }));
      client.resume();
    }, oneWay * 3);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
