import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SocksServerOptions {
  readonly user?: string;
  readonly password?: string;
  /** The reply's code instead of a connection; RFC 1928, section 6. */
  readonly refuse?: number;
  /** Where a name or address leads, as `host:port`; else to itself. */
  readonly routes?: Readonly<Record<string, number>>;
  /** The kind of address that replies show. */
  readonly bound?: 'ipv4' | 'ipv6' | 'name';
  /** It is not the server that speaks first. */
  readonly clientFirst?: true;
}

export interface SocksServer {
  readonly port: number;
  /** What was asked for, in order. */
  readonly asked: readonly string[];
  /** Where clients came from. */
  readonly from: readonly string[];
}

const BOUND = {
  ipv4: [1, 10, 0, 0, 1],
  ipv6: [4, ...Array<number>(16).fill(9)],
  name: [3, 4, ...Buffer.from('here')],
} as const;

/** A SOCKS5 proxy of its own, strict, on loopback; it is closed when the test ends. */
export async function startSocksServer(options: SocksServerOptions = {}): Promise<SocksServer> {
  const asked: string[] = [];
  const from: string[] = [];
  const port = await listening((socket) => {
    from.push(socket.remoteAddress ?? '');
    serve(socket, options, asked).catch(() => socket.destroy());
  });
  return { port, asked, from };
}

/** A listener on loopback that does as it is told; it is closed when the test ends. */
export async function listening(greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot test: no port');
  return address.port;
}

async function serve(socket: Socket, options: SocksServerOptions, asked: string[]): Promise<void> {
  const read = reader(socket);
  const [version, count = 0] = await read(2);
  const methods = await read(count);
  const wanted = options.user === undefined ? 0 : 2;
  if (version !== 5 || !methods.includes(wanted)) {
    socket.end(Buffer.from([5, 0xff]));
    return;
  }
  socket.write(Buffer.from([5, wanted]));
  if (wanted === 2) {
    const [, length = 0] = await read(2);
    const user = (await read(length)).toString();
    const password = (await read((await read(1))[0] ?? 0)).toString();
    const ok = user === options.user && password === options.password;
    socket.write(Buffer.from([1, ok ? 0 : 1]));
    if (!ok) return void socket.end();
  }
  const [, , , kind] = await read(4);
  const host = await readHost(kind ?? 0, read);
  const wantedPort = (await read(2)).readUInt16BE();
  asked.push(`${host}:${wantedPort}`);
  const bound = Buffer.from([...BOUND[options.bound ?? 'ipv4'], 0, 25]);
  const answer = (code: number) => Buffer.concat([Buffer.from([5, code, 0]), bound]);
  if (options.refuse !== undefined) return void socket.end(answer(options.refuse));
  const port = options.routes?.[host] ?? wantedPort;
  const onward = connect({ host: '127.0.0.1', port });
  onward.on('error', () => socket.end(answer(5)));
  socket.once('close', () => onward.destroy());
  if (options.clientFirst === true) {
    onward.once('connect', () => {
      socket.write(answer(0));
      socket.pipe(onward).pipe(socket);
    });
    return;
  }
  // The answer leaves together with the first words of the server.
  onward.once('data', (bytes) => {
    socket.write(Buffer.concat([answer(0), bytes]));
    socket.pipe(onward).pipe(socket);
  });
}

async function readHost(kind: number, read: (octets: number) => Promise<Buffer>): Promise<string> {
  if (kind === 1) return [...(await read(4))].join('.');
  if (kind === 4) return (await read(16)).toString('hex');
  return (await read((await read(1))[0] ?? 0)).toString();
}

/** Reads so many octets, which may come one by one. */
function reader(socket: Socket): (octets: number) => Promise<Buffer> {
  return async (octets) => {
    for (;;) {
      const bytes: unknown = octets === 0 ? Buffer.alloc(0) : socket.read(octets);
      if (Buffer.isBuffer(bytes) && bytes.length === octets) return bytes;
      if (socket.readableEnded || socket.destroyed) throw new Error('the client left');
      await new Promise<void>((resolve) => {
        socket.once('readable', resolve).once('close', resolve);
      });
    }
  };
}
