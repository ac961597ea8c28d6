import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemDisk } from '../../src/queue/disk.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { SpoolError } from '../../src/queue/spool-error.ts';
import { scratchFolder } from '../support/spool.ts';
import { type Fault, type FaultyDisk, faultyDisk, systemError } from './fault-disk.ts';
import { broken } from './judge.ts';
import { live } from './life.ts';

/** The owner of claims whose process is gone: no process has this id. */
const dead = { ...currentOwner(), pid: 2 ** 22 + 1 };

interface Lived extends FaultyDisk {
  readonly said: readonly string[];
  readonly error: unknown;
}

/** Lives in this process up to the fault. After `end` nothing reaches the disk any more, as when it was killed. */
async function liveUntil(folder: string, fault: Fault): Promise<Lived> {
  const said: string[] = [];
  const faulty = faultyDisk(systemDisk, fault, () => {
    throw new Error('ended');
  });
  const say = (word: string, id: string) => said.push(`${word} ${id}`);
  const error: unknown = await live({ folder, process: dead, disk: faulty.disk, say }).catch((error) => error);
  return { ...faulty, said, error };
}

const leftovers = (folder: string): readonly string[] => {
  const list = (room: string) => (existsSync(join(folder, room)) ? readdirSync(join(folder, room)) : []);
  const entries = list('entry').map((name) => name.replace('.json', ''));
  return [...list('tmp'), ...list('message').filter((id) => !entries.includes(id))];
};

describe('a life that ends', () => {
  test('in order leaves what it said, and makes a number of operations that the tests below reach', async () => {
    const folder = join(scratchFolder(), 'spool');
    const { said, error, count } = await liveUntil(folder, { at: 0, act: 'end' });
    expect(error).toBeUndefined();
    expect(said.map((line) => line.split(' ')[0]).join(' ')).toBe(
      'accepted accepted accepted replacing replaced removing removed failing failed',
    );
    expect(count()).toBeGreaterThan(100);
    expect(await broken(folder, said)).toEqual([]);
  });

  test('after any operation leaves nothing but S1, S2 and S3, and all that was accepted', async () => {
    const base = scratchFolder();
    let at = 1;
    for (; ; at++) {
      const folder = join(base, String(at));
      const { said, hit } = await liveUntil(folder, { at, act: 'end' });
      expect({ at, hit: hit(), wrong: await broken(folder, said) }).toEqual({ at, hit: hit(), wrong: [] });
      if (hit() === undefined) break;
    }
    expect(at).toBeGreaterThan(100);
  });
});

describe('an operation that fails', () => {
  for (const [code, exit] of [
    ['ENOSPC', 75],
    ['EIO', 75],
    ['EMFILE', 75],
    ['EACCES', 73],
  ] as const) {
    test(`with ${code}, whichever it is, leaves nothing half there and is told as ${exit}`, async () => {
      const base = scratchFolder();
      let told = 0;
      for (let at = 1; ; at++) {
        const folder = join(base, String(at));
        const { said, error, hit } = await liveUntil(folder, { at, act: code });
        if (hit() === undefined) break;
        const place = { at, hit: hit() };
        if (error !== undefined) {
          told++;
          const what = error instanceof SpoolError ? { exit: error.exit, text: error.text } : { error };
          const text = expect.stringMatching(`^Cannot [a-z ]+: [a-z -]+ \\(${code}\\): "/[^\\n]+"$`);
          expect({ ...place, ...what }).toEqual({ ...place, exit, text });
          // Where the removal may not have reached the disk the message stays, for the entry may come back.
          const removing = /^(removing|failing) /.test(said.at(-1) ?? '');
          if (!removing) expect({ ...place, left: leftovers(folder) }).toEqual({ ...place, left: [] });
        }
        expect({ ...place, wrong: await broken(folder, said) }).toEqual({ ...place, wrong: [] });
      }
      expect(told).toBeGreaterThan(50);
    });
  }

  test('is told even where what is tidied up after it fails too', async () => {
    const folder = join(scratchFolder(), 'spool');
    await liveUntil(folder, { at: 0, act: 'end' });
    const full = { ...systemDisk, write: fails, unlink: fails, remove: async () => fails() };
    const error: unknown = await live({ folder, process: dead, disk: full, say: () => {} }).catch((error) => error);
    expect(error).toMatchObject({ name: 'SpoolError', exit: 75 });
    expect(await broken(folder, [])).toEqual([]);
  });
});

const fails = (): never => {
  throw systemError('ENOSPC');
};
