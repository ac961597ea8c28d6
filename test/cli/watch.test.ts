import { describe, expect, it } from 'vitest';
import { createProgress } from '../../src/cli/progress.ts';
import { createWatch, tracedWorld, watched } from '../../src/cli/watch.ts';
import { memorySource, type Source } from '../../src/message/source.ts';
import type { World } from '../../src/world.ts';
import { mockResolver } from '../support/mock-resolver.ts';
import { Sink } from './fake-surroundings.ts';

const options = {
  verbose: 0,
  json: false,
  monotonic: () => 0,
  destinations: ['example.org'],
};
const terminal = (): Sink => Object.assign(new Sink(), { terminal: true });

describe('createWatch()', () => {
  it('shows nothing when standard error is no terminal and nothing was asked for', async () => {
    expect(await createWatch(new Sink(), options)).toEqual({});
  });

  it('shows progress on a terminal, but not beside JSON', async () => {
    expect(await createWatch(terminal(), options)).toHaveProperty('progress');
    expect(await createWatch(terminal(), { ...options, json: true })).toEqual({});
  });

  it('shows the dialogue in place of progress when -v is given', async () => {
    const stderr = terminal();
    const { transcript, progress, note } = await createWatch(stderr, { ...options, verbose: 1 });
    expect([progress, note]).toEqual([undefined, undefined]);
    transcript?.('example.org').client('AUTH PLAIN c2VjcmV0', 'AUTH PLAIN ');
    expect(stderr.text).toBe('     0  C: AUTH PLAIN <secret>\n');
  });

  it('names the destination of each line when there are several', async () => {
    const stderr = new Sink();
    const destinations = ['a.example', 'longer.example'];
    const { transcript } = await createWatch(stderr, { ...options, verbose: 1, destinations });
    transcript?.('a.example').client('NOOP');
    expect(stderr.text).toBe('a.example           0  C: NOOP\n');
  });
});

describe('watched()', () => {
  const facts = { size: 0, eightBitHeader: false, eightBitBody: false, longestLine: 0, nul: false };
  const header = Buffer.from('\r\n');

  it('leaves a message in memory as it is', () => {
    const progress = createProgress({ write: () => {}, monotonic: () => 0, columns: 80 });
    const message = { header, body: memorySource(Buffer.from('x')), facts };
    expect(watched(message, progress)).toBe(message);
  });

  it('tells how far a larger one has come, over all who read it', async () => {
    const body: Source = {
      size: 4,
      async *chunks() {
        yield Buffer.from('ab');
        yield Buffer.from('cd');
      },
    };
    const seen: string[] = [];
    const progress = {
      sent: (octets: number, total: number) => seen.push(`${octets}/${total}`),
      waiting() {},
      wipe() {},
    };
    const message = watched({ header, body, facts }, progress);
    for (let pass = 0; pass < 2; pass += 1)
      for await (const chunk of message.body.chunks()) expect(chunk.length).toBe(2);
    expect(seen).toEqual(['2/4', '4/4', '6/8', '8/8']);
  });
});

describe('tracedWorld()', () => {
  const tlsa = (octets: number) => ({ usage: 3, selector: 1, matching: 1, data: Buffer.alloc(octets, 0xab) });
  const zones = {
    MX: { 'a.test': ['10 mx.a.test'] },
    TXT: { 'a.test': ['v=spf1 \n'] },
    TLSA: { '_25._tcp.a.test': [tlsa(2), tlsa(1000)] },
    fail: ['A b.test'],
  };

  it.each([
    ['a.test', 'MX', '{"preference":10,"exchange":"mx.a.test"} (TTL 60 s)'],
    ['a.test', 'TXT', '"v=spf1 \\n" (TTL 60 s)'],
    ['_25._tcp.a.test', 'TLSA', `3 1 1 abab 3 1 1 ${'ab'.repeat(64)}… (TTL 60 s)`],
    ['a.test', 'A', 'no such record'],
    ['c.test', 'A', 'no such name'],
    ['b.test', 'A', '192.0.2.53 answered SERVFAIL'],
  ] as const)('tells of %s %s: %s', async (name, type, text) => {
    const notes: string[] = [];
    const world: Partial<World> = { resolver: mockResolver(zones) };
    await tracedWorld(world as World, (note) => void notes.push(note)).resolver.resolve(name, type);
    expect(notes).toEqual([`dns ${name} ${type}: ${text}`]);
  });
});
