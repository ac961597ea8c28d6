import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connect } from '../../src/net/connect.ts';
import { ConnectError, type Target } from '../../src/net/connection.ts';

const servers = new Set<Server>();
afterEach(() => {
  for (const server of servers) server.close();
  servers.clear();
});

/** Listens, and gives the port. */
async function listening(where: { host: string; port: 0 } | { path: string }): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('220 hi\r\n');
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const target = (addresses: readonly string[], port: number, connectTimeout = 5_000): Target => ({
  host: 'mx.test',
  addresses,
  port,
  connectTimeout,
  tlsTimeout: 5_000,
});

async function refusal(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof ConnectError)) throw new Error('Cannot test: no ConnectError');
  return error;
}

describe('connect() gives a connection', () => {
  test('to the first address that answers', async () => {
    const port = await listening({ host: '127.0.0.1', port: 0 });
    const connection = await connect(target(['127.0.0.2', '127.0.0.1'], port));
    expect(connection.peer).toEqual({ host: 'mx.test', address: '127.0.0.1', port });
    expect(connection.localAddress).toBe('127.0.0.1');
    connection.destroy();
  });

  test('that holds what was said before anybody listened', async () => {
    const connection = await connect(target(['127.0.0.1'], await listening({ host: '127.0.0.1', port: 0 })));
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(connection.take()?.toString()).toBe('220 hi\r\n');
    expect(await connection.readable(5_000)).toBe('ended');
    connection.destroy();
  });

  test('to a socket in the file system', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'posthaste-'));
    const path = join(folder, 'lmtp');
    await listening({ path });
    const connection = await connect(target([path], 24));
    expect(connection.peer.address).toBe(path);
    connection.destroy();
    await rm(folder, { recursive: true });
  });
});

describe('connect() throws ConnectError', () => {
  test('with each address and its reason when none answers', async () => {
    const port = await listening({ host: '127.0.0.1', port: 0 });
    const error = await refusal(connect(target(['127.0.0.2', '127.0.0.3', '/no/such/socket'], port)));
    expect(error.code).toBe('ECONNREFUSED');
    expect(error.message).toBe(
      `Cannot connect to mx.test: connection refused (127.0.0.2:${port}, 127.0.0.3:${port}); no such socket (/no/such/socket)`,
    );
    expect(error.attempts).toHaveLength(3);
  });

  test('when the time is over before any address has answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const connecting = refusal(connect(target(['127.0.0.1', '127.0.0.2'], 1)));
    vi.advanceTimersByTime(5_000);
    const error = await connecting;
    vi.useRealTimers();
    expect(error.code).toBe('ETIMEDOUT');
    expect(error.message).toBe('Cannot connect to mx.test: no answer within 5 s (127.0.0.1:1, 127.0.0.2:1)');
  });

  test('when it is given up', async () => {
    const error = await refusal(connect(target(['127.0.0.1'], 1), AbortSignal.abort()));
    expect(error.message).toBe('Cannot connect to mx.test: given up (127.0.0.1:1)');
  });

  test('when there is no address', async () => {
    expect((await refusal(connect(target([], 25)))).message).toBe('Cannot connect to mx.test: it has no address');
  });

  test('when an address is a name: names are not looked up here', async () => {
    const error = await refusal(connect(target(['localhost'], 25)));
    expect(error.message).toContain('"localhost" is no IP address');
  });
});
