import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/net/connection.ts';
import { type GetQuestion, getText } from '../../src/net/get.ts';

/** An answer that comes in these pieces and then ends as it is said. */
function answering(pieces: readonly Buffer[], end: 'ended' | 'reset' | 'timeout' = 'ended') {
  const left = [...pieces];
  const said: string[] = [];
  let destroyed = false;
  const connection: Connection = {
    peer: { host: 'mta-sts.test', address: '192.0.2.1', port: 443 },
    localAddress: undefined,
    bindings: () => [],
    chain: () => [],
    take: () => left.shift() ?? null,
    readable: async () => (left.length > 0 ? 'bytes' : end),
    write: (chunks) => said.push(Buffer.concat([...chunks]).toString()) > 0,
    writable: async () => 'drained',
    startTls: async () => {},
    finish: () => {},
    destroy: () => {
      destroyed = true;
    },
  };
  return { said, isDestroyed: () => destroyed, world: { connect: async () => connection, monotonic: () => 0 } };
}

const target = { host: 'mta-sts.test', addresses: ['192.0.2.1'], port: 443, connectTimeout: 1, tlsTimeout: 1 };
const question: GetQuestion = { target, path: '/x', most: 20, limit: 5000 };
const get = (text: string, end?: 'ended' | 'reset' | 'timeout') =>
  getText(question, answering([Buffer.from(text)], end).world);

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\n';

describe('getText() reads an answer', () => {
  const good = (name: string, text: string, want: object, end?: 'ended' | 'reset' | 'timeout'): void =>
    test(`${name} is read`, async () => {
      const { body, ...rest } = await get(text, end);
      expect({ ...rest, body: body.toString() }).toEqual({ status: 200, type: 'text/plain', body: 'hello', ...want });
    });
  const bad = (name: string, text: string, reason: RegExp, end?: 'ended' | 'reset' | 'timeout'): void =>
    test(`${name} is refused`, () => expect(get(text, end)).rejects.toThrow(reason));
  const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

  good('a length', `${OK}Content-Length: 5\r\n\r\nhello`, {}, 'timeout');
  good('what follows a length', `${OK}Content-Length: 5\r\n\r\nhelloworld`, {}, 'timeout');
  good('the end of the connection', `${OK}\r\nhello`, {});
  good('line ends of LF', `${OK}\r\nhello`.replaceAll('\r\n', '\n'), {});
  good('chunks', `${chunked}2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n`, {}, 'timeout');
  good('an interim answer', `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}\r\nhello`, {});
  good('no reason', 'HTTP/1.0 404\r\n\r\n', { status: 404, type: '', body: '' });
  good('nothing', 'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', { status: 204, type: '', body: '' }, 'timeout');
  bad('a greeting of another kind', '220 mx ESMTP\r\n', /^its answer is not HTTP\/1\.1$/);
  bad('HTTP/2', 'HTTP/2 200\r\n\r\n', /not HTTP\/1\.1/);
  bad('a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', /^its answer has a broken header$/);
  bad('a folded header', `${OK} more\r\n\r\n`, /broken header/);
  bad('too many fields', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(101)}\r\n`, /too many header fields/);
  bad('a line without an end', `HTTP/1.1 200 ${'x'.repeat(10_000)}`, /a line that is too long/, 'timeout');
  bad('interim answers without an end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(9), /does not come to its end/);
  bad('a body that is too long', `${OK}\r\n${'x'.repeat(21)}`, /^its answer is too large$/, 'timeout');
  bad('a length that is too long', `${OK}Content-Length: 21\r\n\r\n`, /^its answer is too large$/, 'timeout');
  bad('a length that is none', `${OK}Content-Length: -1\r\n\r\n`, /length of its answer is not clear/);
  bad('two lengths', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, /not clear/);
  bad('a length and chunks', `${chunked.trimEnd()}\r\nContent-Length: 5\r\n\r\nhello`, /not clear/);
  bad('chunks that are too long', `${chunked}15\r\n`, /^its answer is too large$/, 'timeout');
  bad('a chunk of no length', `${chunked}hello\r\n`, /broken chunk/);
  bad('a chunk that is longer than it says', `${chunked}2\r\nhello\r\n0\r\n\r\n`, /broken chunk/);
  bad('a compressed body', `${OK}Content-Encoding: gzip\r\n\r\nhello`, /compressed/);
  bad('an end within the body', `${OK}Content-Length: 5\r\n\r\nhell`, /^the connection was lost$/);
  bad('an end within the header', 'HTTP/1.1 200 OK\r\nCont', /^the connection was lost$/);
  bad('a reset', `${OK}\r\nhello`, /^the connection was lost$/, 'reset');
  bad('silence', OK, /^no answer within 5 s$/, 'timeout');

  test('it may be cut anywhere', async () => {
    const bytes = Buffer.from(`${chunked}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`);
    for (const size of [1, 2, 3, 7]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      expect((await getText(question, answering(pieces).world)).body.toString()).toBe('hello');
    }
  });

  test('whatever comes, there is an answer or a GetError', async () => {
    const piece = fc.oneof(fc.constantFrom(OK, chunked, '5\r\nhello\r\n', '0\r\n\r\n', '\r\n'), fc.string());
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (texts) => {
      const pieces = texts.map((text) => Buffer.from(text));
      const name = await getText(question, answering(pieces).world).then(
        ({ body }) => (body.length <= 20 ? 'answer' : 'long'),
        (error: Error) => error.name,
      );
      expect(['answer', 'GetError']).toContain(name);
    });
    await fc.assert(property, { seed: 8, numRuns: 200 });
  });
});

describe('getText() asks', () => {
  test('with the name of the host, once, and leaves the connection', async () => {
    const server = answering([Buffer.from(`${OK}\r\n`)]);
    await getText(question, server.world);
    expect(server.said).toEqual([
      expect.stringMatching(/^GET \/x HTTP\/1\.1\r\nHost: mta-sts\.test\r\n(?:.+\r\n)+\r\n$/),
    ]);
    expect(server.isDestroyed()).toBe(true);
  });
});
