import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { Overrides } from '../../src/config/defaults.ts';
import { openConfigMemory } from '../../src/submit/config-memory.ts';
import { fullConfig } from '../bench/full-config.ts';
import { scratchFolder } from '../support/spool.ts';

const file = (text: string, at = '/c.toml', home?: string) => ({ at, home, bytes: Buffer.from(text) });
const MEANING: Overrides = { from: 'a@a.test', mx: { port: 26 } };

function opened(build = 'b1', path = join(scratchFolder(), 'state/config-memory')) {
  return { path, memory: openConfigMemory(path, build), again: (other = build) => openConfigMemory(path, other) };
}

describe('openConfigMemory()', () => {
  it('knows what was kept, in another process too, in a file of ours alone', async () => {
    const { path, memory, again } = opened();
    expect(memory.recall(file('x'))).toBeUndefined();
    await memory.keep(file('x'), MEANING);
    expect(memory.recall(file('x'))).toEqual(MEANING);
    expect(again().recall(file('x'))).toEqual(MEANING);
    expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('gives back what a file with nearly every key means', async () => {
    const text = fullConfig(25, '/spool');
    const reading = await readConfig(text, '/c.toml', { home: '/h' });
    if (!reading.ok) throw new Error(reading.errors.join());
    const { memory, again } = opened();
    await memory.keep(file(text), reading.overrides);
    expect(again().recall(file(text))).toEqual(reading.overrides);
  });

  it('knows nothing of another text, place, home or build', async () => {
    const { memory, again } = opened();
    await memory.keep(file('x', '/c.toml', '/h'), MEANING);
    for (const other of [file('y', '/c.toml', '/h'), file('x', '/d.toml', '/h'), file('x', '/c.toml', '/i'), file('x')])
      expect(again().recall(other)).toBeUndefined();
    expect(again('b2').recall(file('x', '/c.toml', '/h'))).toBeUndefined();
    // Octets that are no UTF-8 are told apart.
    await memory.keep(file('\ufffd'), MEANING);
    const wrong = { at: '/c.toml', home: undefined, bytes: Buffer.from([0xff]) };
    expect(memory.recall(wrong)).toBeUndefined();
    await memory.keep(wrong, MEANING);
    expect([memory.recall(wrong), memory.recall({ ...wrong, bytes: Buffer.from([0xfe]) })]).toEqual([
      undefined,
      undefined,
    ]);
    await memory.keep(file('ü'), MEANING);
    expect(again().recall(file('ü'))).toEqual(MEANING);
  });

  it('keeps the last text of each file, and eight files', async () => {
    const { memory, again } = opened();
    await memory.keep(file('x'), MEANING);
    await memory.keep(file('y'), {});
    expect([again().recall(file('x')), again().recall(file('y'))]).toEqual([undefined, {}]);
    for (let index = 0; index < 8; index++) await memory.keep(file('x', `/${index}`), MEANING);
    expect([again().recall(file('y')), again().recall(file('x', '/0'))]).toEqual([undefined, MEANING]);
  });

  it('keeps no password, and nothing large', async () => {
    const { path, memory } = opened();
    await memory.keep(file('x'), { network: { proxy: { host: 'a', port: 1, user: 'u', password: 'geheim' } } });
    await memory.keep(file('x'.repeat(65_537)), MEANING);
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  it('believes no file that others can have written or read', async () => {
    const { path, memory, again } = opened();
    await memory.keep(file('x'), MEANING);
    for (const mode of [0o644, 0o620, 0o602]) {
      chmodSync(path, mode);
      expect(again().recall(file('x'))).toBeUndefined();
    }
    chmodSync(path, 0o600);
    const link = `${path}.link`;
    symlinkSync(path, link);
    expect(openConfigMemory(link, 'b1').recall(file('x'))).toBeUndefined();
    if (process.geteuid?.() !== 0) return;
    chownSync(path, 12_345, 12_345);
    expect(again().recall(file('x'))).toBeUndefined();
  });

  const KEY = '["/c.toml","","x"]';
  it.each([
    '',
    '{',
    'b1',
    'b1\n',
    'b1\n[',
    `b1\n${KEY}`,
    `b1\n${KEY}\n`,
    `b1\n${KEY}\n{"from":"a@`,
    `b2\n${KEY}\n{}\n`,
  ])('knows nothing where the file says %j, and writes a new one', async (text) => {
    const { path, memory, again } = opened();
    mkdirSync(join(path, '..'));
    writeFileSync(path, text, { mode: 0o600 });
    expect(memory.recall(file('x'))).toBeUndefined();
    await memory.keep(file('x'), MEANING);
    expect(again().recall(file('x'))).toEqual(MEANING);
  });

  it('is no trouble where nothing can be written', async () => {
    const inFile = join(scratchFolder(), 'file');
    writeFileSync(inFile, '');
    const { memory } = opened('b1', join(inFile, 'config-memory'));
    await memory.keep(file('x'), MEANING);
    expect(memory.recall(file('x'))).toEqual(MEANING);
  });
});
