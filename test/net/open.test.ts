import { createConnection, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/net/connect.ts';
import { ConnectError, type Target } from '../../src/net/connection.ts';
import { createAuthority } from '../support/certificates.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { listening, startSocksServer } from '../support/socks-server.ts';

const target = (addresses: readonly string[], port: number, rest: Partial<Target> = {}): Target => ({
  host: 'mx.test',
  addresses,
  port,
  connectTimeout: 5_000,
  tlsTimeout: 5_000,
  ...rest,
});

async function refusal(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof ConnectError)) throw new Error(`Cannot test: no ConnectError but ${String(error)}`);
  return error;
}

const greeting = () => listening((socket) => socket.end('220 hi\r\n'));
const via = (port: number, rest: object = {}) => ({ proxy: { host: '127.0.0.1', port, ...rest } });

describe('connect() through a proxy', () => {
  test.each(['ipv4', 'ipv6', 'name'] as const)('keeps the words that came with its %s reply', async (bound) => {
    const server = await greeting();
    const socks = await startSocksServer({ bound, routes: { '192.0.2.1': server } });
    const connection = await connect(target(['192.0.2.1'], 25, via(socks.port)));
    expect(connection.peer).toEqual({ host: 'mx.test', address: '192.0.2.1', port: 25 });
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(connection.take()?.toString()).toBe('220 hi\r\n');
    expect(socks.asked).toEqual(['192.0.2.1:25']);
    connection.destroy();
  });

  test('lets it look up a name, and logs in', async () => {
    const server = await greeting();
    const login = { user: 'ann', password: 'hush' };
    const socks = await startSocksServer({ ...login, routes: { 'smtp.example.org': server } });
    const connection = await connect(target(['smtp.example.org'], 587, via(socks.port, login)));
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(socks.asked).toEqual(['smtp.example.org:587']);
    expect(connection.peer.address).toBe('smtp.example.org');
    connection.destroy();
  });

  test('starts TLS behind it', async () => {
    const authority = createAuthority();
    onTestFinished(() => authority.close());
    const { cert, key } = authority.issue({ names: ['DNS:mx.test'] });
    const server = await startScriptedServer(['--: tls\nS: 220 secret'], { tls: { cert, key } });
    onTestFinished(() => server.close());
    // A TLS server is silent until it is spoken to.
    const port = await listening((socket) => tunnel(socket, server.port));
    const implicitTls = {
      servername: 'mx.test',
      check: 'chain',
      names: ['mx.test'],
      fingerprints: [],
      ca: authority.ca,
      minVersion: 'TLSv1.2',
    } as const;
    const connection = await connect(target(['192.0.2.1'], 465, { ...via(port), implicitTls }));
    expect(connection.peer.tls?.verified).toBe(true);
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(connection.take()?.toString()).toBe('220 secret\r\n');
    connection.destroy();
  });

  test('tries the next address where it refuses one', async () => {
    const server = await greeting();
    const socks = await startSocksServer({ routes: { '192.0.2.1': 1, '192.0.2.2': server } });
    const connection = await connect(target(['192.0.2.1', '192.0.2.2'], 25, via(socks.port)));
    expect(connection.peer.address).toBe('192.0.2.2');
    connection.destroy();
  });

  test.each([
    ['refuses', (socket: Socket) => void socket.end(Buffer.from([5, 0, 5, 4, 0, 1])), 'host is unreachable'],
    ['wants a login', (socket: Socket) => void socket.end(Buffer.from([5, 255])), 'the proxy wants a login'],
    ['speaks another version', (socket: Socket) => void socket.end(Buffer.from([4, 90])), 'does not speak SOCKS5'],
    ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.0 400 Bad request\r\n\r\n'), 'does not speak SOCKS5'],
    ['closes at once', (socket: Socket) => void socket.end(), 'the proxy closed the connection'],
    ['closes in the middle', (socket: Socket) => void socket.end(Buffer.from([5, 0, 5, 0])), 'the proxy closed'],
    ['resets', (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy()), /reset|closed/],
  ])('that %s fails in words', async (_, greet, words) => {
    const port = await listening(greet);
    const error = await refusal(connect(target(['192.0.2.1'], 25, via(port))));
    expect(error.message).toMatch(`Cannot connect to mx.test: proxy 127.0.0.1:${port}: `);
    expect(error.message).toMatch(words);
    expect(error.message).toMatch(/ \(192\.0\.2\.1:25\)$/);
  });

  test.each([
    ['silent', () => {}],
    ['silent in the middle', (socket: Socket) => void socket.write(Buffer.from([5, 0, 5, 0, 0]))],
  ])('that is %s is left at the limit', async (_, greet) => {
    let left = (): void => {};
    const closed = new Promise<void>((resolve) => {
      left = resolve;
    });
    const port = await listening((socket) => {
      socket.once('end', () => left()).resume();
      greet(socket);
    });
    const error = await refusal(connect(target(['192.0.2.1'], 25, { ...via(port), connectTimeout: 50 })));
    expect(error.code).toBe('ETIMEDOUT');
    await closed;
  });

  test('that is not there fails in words', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const error = await refusal(connect(target(['192.0.2.1'], 25, via(port))));
    expect(error.message).toContain(`proxy 127.0.0.1:${port}: connection refused`);
  });

  test('is left when it is told to', async () => {
    const stop = new AbortController();
    const port = await listening((socket) => void socket.once('data', () => stop.abort()));
    const error = await refusal(connect(target(['192.0.2.1'], 25, via(port)), stop.signal));
    expect(error.code).toBe('ABORT_ERR');
  });

  test('shows no password in an error', async () => {
    const socks = await startSocksServer({ user: 'ann', password: 'right' });
    const login = { user: 'ann', password: 'hush' };
    const error = await refusal(connect(target(['192.0.2.1'], 25, via(socks.port, login))));
    expect(error.message).toContain('refused user and password');
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain('hush');
  });
});

/** Hands everything on to a port, behind the two answers of SOCKS. */
function tunnel(socket: Socket, port: number): void {
  socket.once('data', () => {
    socket.write(Buffer.from([5, 0]));
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      const server = createConnection(port);
      socket.pipe(server).pipe(socket);
    });
  });
}

describe('connect() from a source address', () => {
  test('binds the one of the family', async () => {
    const from: string[] = [];
    const port = await listening((socket) => {
      from.push(socket.remoteAddress ?? '');
      socket.end('220 hi\r\n');
    });
    const connection = await connect(target(['127.0.0.1'], port, { source: ['2001:db8::1', '127.0.0.3'] }));
    expect(connection.localAddress).toBe('127.0.0.3');
    await connection.readable(5_000);
    expect(from).toEqual(['127.0.0.3']);
    connection.destroy();
  });

  test('does not try a family without one', async () => {
    const port = await greeting();
    const error = await refusal(connect(target(['127.0.0.1', '::1'], port, { source: ['2001:db8::1'] })));
    expect(error.attempts.find(({ address }) => address === '127.0.0.1')).toMatchObject({
      code: 'EADDRNOTAVAIL',
      reason: 'there is no source address of this family',
    });
  });

  test('tells an address that is not ours', async () => {
    const port = await greeting();
    const error = await refusal(connect(target(['127.0.0.1'], port, { source: ['192.0.2.77'] })));
    expect(error.code).toBe('EADDRNOTAVAIL');
  });

  test('binds the way to the proxy', async () => {
    const server = await greeting();
    const socks = await startSocksServer({ routes: { ['20010db8'.padEnd(31, '0').concat('1')]: server } });
    const connection = await connect(target(['2001:db8::1'], 25, { ...via(socks.port), source: ['127.0.0.4'] }));
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(socks.from).toEqual(['127.0.0.4']);
    connection.destroy();
  });
});
