import { encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAskable, isHostName } from '../../src/dns/name.ts';
import { checkBody, PacketError, readHead, seconds } from '../../src/dns/packet.ts';
import { createQuery, readReply } from '../../src/dns/wire.ts';

const QUERY = createQuery({ name: 'example.org', type: 'MX' }, 0x1234, true);
/** Header, then the question `example.org MX IN` up to octet 29, then one record whose owner points to the question. */
const HEADER = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
const QUESTION = [7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0, 0, 15, 0, 1];
const OWNER = [0xc0, 12];

const record = (type: number, data: readonly number[], length = data.length): number[] => [
  ...[0, type, 0, 1, 0, 0, 0, 60],
  ...[length >> 8, length & 255, ...data],
];
const packet = (...rest: readonly number[]): Buffer => Buffer.from([...HEADER, ...QUESTION, ...rest]);
const label = (text: string): number[] => [Buffer.byteLength(text), ...Buffer.from(text)];

function check(bytes: Buffer): unknown {
  return checkBody(bytes, readHead(bytes));
}

function good(rest: readonly number[], records: unknown): void {
  const read = readReply(packet(...rest), QUERY);
  expect(read?.kind === 'reply' && read.reply.records.map(({ data }) => data)).toEqual(records);
}

function bad(rest: readonly number[], why: string): void {
  expect(readReply(packet(...rest), QUERY)).toEqual({ kind: 'trouble', text: expect.stringContaining(why) });
  expect(() => check(packet(...rest))).toThrow(PacketError);
}

describe('readReply()', () => {
  test('reads records whose octets are all accounted for', () => {
    good(
      [...OWNER, ...record(15, [0, 10, ...label('MX'), 0xc0, 12])],
      [{ preference: 10, exchange: 'mx.example.org' }],
    );
    good([...OWNER, ...record(15, [0, 0, 0])], [{ preference: 0, exchange: '' }]);
    good([...OWNER, ...record(1, [192, 0, 2, 1])], ['192.0.2.1']);
    good([...OWNER, ...record(16, [2, 97, 98, 1, 99])], ['abc']);
    good([...OWNER, ...record(52, [3, 1, 1])], [expect.objectContaining({ usage: 3, data: Buffer.alloc(0) })]);
  });

  test('leaves types alone that nobody asked for, whatever is in them', () => {
    good([...OWNER, ...record(46, [1, 2, 3])], []);
    good([...OWNER, ...record(47, [])], []);
    good([...OWNER, ...record(33, [0xff, 0xff])], []);
  });

  test('drops records of another class (N19)', () => {
    const chaos = record(1, [192, 0, 2, 1]);
    chaos[3] = 3;
    good([...OWNER, ...chaos], []);
    const multicast = record(1, [192, 0, 2, 1]);
    multicast[2] = 0x80;
    good([...OWNER, ...multicast], []);
  });

  test('refuses names that never end or lead forwards (N20)', () => {
    bad([0xc0, 29, ...record(1, [192, 0, 2, 1])], 'pointer does not lead backwards');
    bad([0xc0, 200, ...record(1, [192, 0, 2, 1])], 'pointer does not lead backwards');
    bad([0xff, 0xff, ...record(1, [192, 0, 2, 1])], 'pointer does not lead backwards');
    bad([0xc0, 2, ...record(1, [192, 0, 2, 1])], 'pointer does not lead backwards');
    bad([...OWNER, ...record(5, [...label('a'), 0xc0, 41])], 'pointer does not lead backwards');
    bad([0xc0], 'pointer is cut short');
    bad([0x40, ...record(1, [192, 0, 2, 1])], 'label is of an unknown kind');
    bad([0x80, ...record(1, [192, 0, 2, 1])], 'label is of an unknown kind');
    bad([63, 97], 'label is cut short');
    bad([1, 97], 'name is cut short');
  });

  test('refuses a chain of 8,000 pointers in little time (N20)', () => {
    const pointers: number[] = [];
    for (let at = 31; pointers.length < 16_000; at += 2) pointers.push(0xc0 | ((at - 2) >> 8), (at - 2) & 255);
    const start = performance.now();
    bad([0, ...record(5, [0xc0, 12, ...pointers])], 'does not fit its length');
    const chain = [...OWNER, ...record(16, [...[255], ...pointers.slice(0, 255)])];
    expect(() => check(packet(...chain, 0xc1, 0x20))).toThrow(PacketError);
    expect(performance.now() - start).toBeLessThan(500);
  });

  test('refuses names over 255 octets (N20)', () => {
    const long = Array.from({ length: 4 }, () => label('a'.repeat(62))).flat();
    good([...OWNER, ...record(5, [...long, 0])], [Array(4).fill('a'.repeat(62)).join('.')]);
    bad([...OWNER, ...record(5, [...long, ...label('abc'), 0])], 'name is too long');
  });

  test('escapes dots, blanks, controls and other octets in labels, so that they pass for no other name', () => {
    const labels = { 'a.b': 'a\\046b', 'a b': 'a\\032b', '\r\n\0': '\\013\\010\\000', ä: '\\195\\164', '\\': '\\092' };
    for (const [text, escaped] of Object.entries(labels)) {
      good([...OWNER, ...record(5, [...label(text), 0])], [escaped]);
      const owned = readReply(packet(...label(text), 0, ...record(1, [192, 0, 2, 1])), QUERY);
      expect(owned).toMatchObject({ kind: 'reply', reply: { records: [{ name: escaped }] } });
      expect(isAskable(escaped) || isHostName(escaped)).toBe(false);
    }
  });

  test('refuses data that does not fit its length (N21)', () => {
    bad([...OWNER, ...record(1, [127, 0, 0])], 'does not fit');
    bad([...OWNER, ...record(1, [127, 0, 0, 1, 0, 0])], 'does not fit');
    bad([...OWNER, ...record(28, [0, 1])], 'does not fit');
    for (const length of [0, 1, 2]) bad([...OWNER, ...record(15, Array(length).fill(0))], 'does not fit');
    bad([...OWNER, ...record(15, [0, 1, 0, 0])], 'does not fit');
    bad([...OWNER, ...record(5, [])], 'does not fit');
    bad([...OWNER, ...record(5, [...label('a')])], 'name is cut short');
    bad([...OWNER, ...record(16, [])], 'does not fit');
    bad([...OWNER, ...record(16, [5, 97])], 'does not fit');
    bad([...OWNER, ...record(52, [3, 1])], 'does not fit');
    bad([...OWNER, ...record(1, [127, 0, 0, 1], 65_535)], 'record runs past the packet');
    bad([...OWNER, ...record(46, [1], 2)], 'record runs past the packet');
  });

  test('refuses counts and ends that do not fit (N23)', () => {
    bad([], 'name is cut short');
    bad([...OWNER, 0, 1], 'record is cut short');
    bad([...OWNER, ...record(1, [192, 0, 2, 1]), 0], 'octets follow');
    const all = packet(...OWNER, ...record(1, [192, 0, 2, 1]));
    all.writeUInt16BE(65_535, 6);
    expect(readReply(all, QUERY)).toMatchObject({ kind: 'trouble' });
    all.writeUInt16BE(2, 4);
    expect(readReply(all, QUERY)).toMatchObject({ kind: 'trouble' });
  });

  test('takes the truncation as an answer before it looks at what was cut', () => {
    const cut = packet(...OWNER, 0);
    cut.writeUInt16BE(0x8380, 2);
    expect(readReply(cut, QUERY)).toEqual({ kind: 'truncated' });
  });

  test('reads the upper bits of the code from OPT and the negative TTL from SOA (N26)', () => {
    const base: Packet = { type: 'response', id: 0x1234, questions: [{ name: 'example.org', type: 'MX' }] };
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 1, ednsVersion: 0, flags: 0 } as const;
    const soa = { mname: 'ns.test', rname: 'a\\.b.test', minimum: 30 };
    const bytes = encode({
      ...base,
      authorities: [{ type: 'SOA', name: 'example.org', ttl: 900, data: soa }],
      additionals: [{ ...opt, flag_do: false, options: [] }],
    });
    expect(readReply(bytes, QUERY)).toMatchObject({ kind: 'reply', reply: { code: 16, negativeTtl: 30 } });
  });

  test('gives undefined, a reply or a reason for any octets, and never throws', () => {
    const whole = packet(...OWNER, ...record(15, [0, 10, ...label('mx'), 0xc0, 12]));
    for (let end = 0; end < whole.length; end += 1) {
      expect(readReply(whole.subarray(0, end), QUERY)?.kind).not.toBe('reply');
    }
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(edits, fc.uint8Array({ maxLength: 40 }), (changes, tail) => {
        const bytes = Buffer.concat([whole, tail]);
        for (const [at, octet] of changes) bytes[at] = octet;
        bytes.writeUInt16BE(QUERY.id);
        const read = readReply(bytes, QUERY);
        expect(['undefined', 'reply', 'trouble', 'truncated']).toContain(String(read?.kind));
        if (read?.kind !== 'reply') return;
        for (const { name, type, data } of read.reply.records) {
          expect(name).toMatch(/^[!-~]*$/);
          if (type === 'A') expect(data).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
        }
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

test('seconds() takes a TTL with the highest bit as 0 (N26)', () => {
  expect([0, 60, 0x7fffffff, 0x80000000, 0xffffffff].map(seconds)).toEqual([0, 60, 0x7fffffff, 0, 0]);
});
