import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/net/connect.ts';
import type { Connection } from '../../src/net/connection.ts';
import type { TlsPlan } from '../../src/tls/policy.ts';
import { createAuthority } from '../support/certificates.ts';

const authority = createAuthority();
const mx = authority.issue({ names: ['DNS:mx.test'] });
afterAll(() => authority.close());
const plan: TlsPlan = { check: 'chain', names: ['mx.test'], fingerprints: [], ca: authority.ca, minVersion: 'TLSv1.2' };

const open = new Set<{ destroy(): void }>();
afterEach(() => {
  for (const each of open) each.destroy();
  open.clear();
});

/** Both ends of one connection. */
async function pair(): Promise<{ connection: Connection; server: Socket }> {
  const listening = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => listening.once('connection', resolve));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const target = { host: 'mx.test', addresses: ['127.0.0.1'], port, connectTimeout: 5_000, tlsTimeout: 5_000 };
  const connection = await connect(target);
  const server = await accepted;
  server.on('error', () => {});
  listening.close();
  open.add(connection).add(server);
  return { connection, server };
}

async function securePair(): Promise<{ connection: Connection; server: TLSSocket; plain: Socket }> {
  const { connection, server: plain } = await pair();
  const server = new TLSSocket(plain, { isServer: true, cert: mx.cert, key: mx.key });
  server.on('error', () => {});
  await connection.startTls(plan, 5_000);
  return { connection, server, plain };
}

/** Waits for so many bytes. */
async function read(connection: Connection, size: number): Promise<string> {
  let text = '';
  while (text.length < size) {
    const state = await connection.readable(5_000);
    if (state !== 'bytes') throw new Error(`Cannot read: ${state} after ${JSON.stringify(text)}`);
    text += connection.take()?.toString() ?? '';
  }
  return text;
}

const bytes = (text: string): readonly Buffer[] => [Buffer.from(text)];

describe('readable() says', () => {
  test('bytes when some came, until they are taken', async () => {
    const { connection, server } = await pair();
    server.write('hi');
    expect(await connection.readable(5_000)).toBe('bytes');
    expect(await connection.readable(0)).toBe('bytes');
    expect(connection.take()?.toString()).toBe('hi');
    expect(connection.take()).toBe(null);
    expect(await connection.readable(0)).toBe('timeout');
  });

  test('ended when the peer has closed, but what it said first', async () => {
    const { connection, server } = await pair();
    server.end('bye');
    expect(await read(connection, 3)).toBe('bye');
    expect(await connection.readable(5_000)).toBe('ended');
  });

  test('reset when the peer has reset', async () => {
    const { connection, server } = await pair();
    server.resetAndDestroy();
    expect(await connection.readable(5_000)).toBe('reset');
  });

  test('timeout when nothing came in time', async () => {
    const { connection } = await pair();
    expect(await connection.readable(10)).toBe('timeout');
  });
});

describe('write()', () => {
  test('loses nothing that was received when it fails', async () => {
    const { connection, server } = await pair();
    server.write('550 5.7.1 no\r\n');
    server.resetAndDestroy();
    // The refusal and the reset are in the kernel, and this process has read neither.
    connection.write(bytes('MAIL FROM:<>\r\n'));
    expect(await read(connection, 14)).toBe('550 5.7.1 no\r\n');
    expect(await connection.readable(5_000)).toBe('reset');
    expect(connection.write(bytes('more'))).toBe(false);
    expect(await connection.writable(5_000)).toBe('reset');
  });

  test('loses nothing that was received over TLS when it fails', async () => {
    const { connection, server, plain } = await securePair();
    await new Promise<void>((resolve) => server.write('550 5.7.1 no\r\n', () => resolve()));
    plain.resetAndDestroy();
    connection.write(bytes('MAIL FROM:<>\r\n'));
    expect(await read(connection, 14)).toBe('550 5.7.1 no\r\n');
    expect(['ended', 'reset']).toContain(await connection.readable(5_000));
  });

  test('is false while the peer does not read, and writable() waits for it or for bytes', async () => {
    const { connection, server } = await pair();
    const chunk = Buffer.alloc(1024 * 1024);
    while (connection.write([chunk])) server.pause();
    expect(await connection.writable(10)).toBe('timeout');
    server.write('452 wait');
    expect(await connection.writable(5_000)).toBe('bytes');
    expect(connection.take()?.toString()).toBe('452 wait');
    server.resume();
    expect(await connection.writable(5_000)).toBe('drained');
  });
});

test('take() lets the peer wait when it says more than is asked for', async () => {
  const { connection, server } = await pair();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  for (let count = 0; count < 1_000; count++, sent += chunk.length) server.write(chunk);
  const drained = new Promise<'drained'>((resolve) => server.once('drain', () => resolve('drained')));
  expect(await connection.readable(5_000)).toBe('bytes');
  const stopped = new Promise<'waiting'>((resolve) => setTimeout(() => resolve('waiting'), 30));
  expect(await Promise.race([drained, stopped])).toBe('waiting');
  let size = 0;
  while (size < sent && (await connection.readable(5_000)) === 'bytes') size += connection.take()?.length ?? 0;
  expect(size).toBe(sent);
});

test('startTls() refuses when bytes were received before it', async () => {
  const { connection, server } = await pair();
  server.write('250 forged\r\n');
  await connection.readable(5_000);
  await expect(connection.startTls(plan, 5_000)).rejects.toMatchObject({ trouble: 'unasked', stage: 'tls' });
  expect(connection.write(bytes('x'))).toBe(false);
});

test('startTls() tells the peer about TLS when it is up', async () => {
  const { connection, server } = await securePair();
  expect(connection.peer.tls).toMatchObject({ version: 'TLSv1.3', verified: true, fingerprint: mx.fingerprint });
  server.write('hi');
  expect(await read(connection, 2)).toBe('hi');
});

for (const [kind, make] of [['TCP', pair] as const, ['TLS', securePair] as const]) {
  test(`finish() ends ${kind} when what was written has left`, async () => {
    const { connection, server } = await make();
    const received: Buffer[] = [];
    server.on('data', (chunk) => received.push(chunk));
    const ended = new Promise((resolve) => server.once('end', resolve));
    connection.write(bytes('QUIT\r\n'));
    connection.finish();
    await ended;
    expect(Buffer.concat(received).toString()).toBe('QUIT\r\n');
  });
}

test('destroy() ends a wait and can be called again', async () => {
  const { connection } = await pair();
  const waiting = connection.readable(5_000);
  connection.destroy();
  connection.destroy();
  connection.finish();
  expect(await waiting).toBe('ended');
});
