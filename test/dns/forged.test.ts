import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, later, resolverOf, start } from '../support/dns-scene.ts';
import { patched, type Zones } from '../support/dns-server.ts';

afterEach(closeAll);

const ZONES: Zones = { 'example.org': { A: ['192.0.2.1'] } };

describe('createResolver()', () => {
  // 12 octets of header and 13 of name stand before type and class.
  const wrong: readonly [string, (answer: Buffer, id: number) => Buffer][] = [
    ['another id', (answer, id) => patched(answer, 0, [(id >> 8) ^ 1, id & 255])],
    ['QR not set', (answer) => patched(answer, 2, [answer[2]! & 0x7f])],
    ['another opcode', (answer) => patched(answer, 2, [answer[2]! | 0x20])],
    ['another name', (answer) => patched(answer, 13, [0x7a])],
    ['another type', (answer) => patched(answer, 25, [0, 28])],
    ['another class', (answer) => patched(answer, 27, [0, 3])],
    ['no question', (answer) => patched(answer.subarray(0, 12), 4, [0, 0, 0, 0, 0, 0, 0, 0])],
    ['nothing', () => Buffer.alloc(0)],
    ['one octet', (answer) => answer.subarray(0, 1)],
  ];
  test.each(wrong)('ignores an answer with %s and waits on (N18, N23)', async (_, forge) => {
    const lie = await start(ZONES, { alter: (answer, { id }) => [forge(answer, id)] });
    const resolver = resolverOf([lie], { timeout: 20 });
    expect(await resolver.resolve('example.org', 'A')).toEqual({
      kind: 'unknown',
      text: `127.0.0.1:${lie.port} timed out`,
    });
    const both = await start(ZONES, {
      alter: (answer, { id }) => [forge(answer, id), answer, patched(answer, -1, [9])],
    });
    expect(await resolverOf([both]).resolve('example.org', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  });

  test('ignores answers from another address or port (N18)', async () => {
    const forger = createSocket('udp4');
    await new Promise<void>((resolve) => forger.bind(0, '127.0.0.1', resolve));
    later(() => new Promise<void>((resolve) => forger.close(() => resolve())));
    const server = createSocket('udp4');
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    later(() => new Promise<void>((resolve) => server.close(() => resolve())));
    let forged = 0;
    server.on('message', (query, from) => {
      const answer = Buffer.from(query);
      answer.writeUInt16BE(0x8180, 2);
      const lie = patched(answer, 2, [0x81, 0x83]);
      forger.send(lie, from.port, from.address, () => {
        forged += 1;
        server.send(answer, from.port, from.address);
      });
    });
    const resolver = resolverOf([{ address: '127.0.0.1', port: server.address().port }]);
    expect(await resolver.resolve('example.org', 'A')).toMatchObject({ kind: 'nothing', exists: true });
    expect(forged).toBe(1);
  });
});
