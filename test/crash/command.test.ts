import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MxServer } from '../support/mx-server.ts';
import { scratchFolder } from '../support/spool.ts';
import { type Box, type CommandFault, type Faulty, openBox, openLane } from './command.ts';
import { broken } from './judge.ts';

/*
 * The whole command, killed after each operation on the disk, or with one that fails. CRASH_TEST=all has every operation,
 * also those that only read, fail in every way; else each that changes the disk fails in one of them.
 */

const isDeep = process.env.CRASH_TEST === 'all';
const LANES = 2;
const CODES = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE'];
/** The final dot is answered and the result not written yet: twice then, and only then. */
const WINDOW = 2;

/** Runs that are killed at a time, and the milliseconds from the first to the last of them: start, work and end. */
const TIMES = isDeep ? 300 : 30;
const FIRST_MS = 30;
const LAST_MS = 110;

const lanes: MxServer[] = [];
beforeAll(async () => {
  for (let lane = 0; lane < LANES; lane++) lanes.push(await openLane());
});
afterAll(() => Promise.all(lanes.map((mx) => mx.close())));

interface Scene {
  /** Before the fault, in a box whose spool is copied for each run. */
  readonly before?: readonly (readonly string[])[];
  readonly words: readonly string[];
}

interface Turn {
  readonly faulty: Faulty;
  readonly box: Box;
  readonly place: string;
  /** What `#` stood for. */
  readonly name: string;
}

/** The words, with the server for `RELAY`, and `#` for what no other run has: the server remembers whom it put off. */
const wordsFor = (words: readonly string[], mx: MxServer, name: string): readonly string[] =>
  words.flatMap((word) =>
    word === 'RELAY' ? [`--relay=smtp://127.0.0.1:${mx.port}`, '--tls=none'] : [word.replace('#', name)],
  );

/** A run for each operation there is, some at the same time; then the judge, and a run without a fault. */
async function each(scene: Scene, faults: (at: number) => CommandFault, judge: (turn: Turn) => void): Promise<number> {
  const base = scratchFolder();
  let next = 1;
  let isOver = false;
  let hits = 0;
  const lane = async (mx: MxServer, name: number): Promise<void> => {
    const template = openBox(join(base, `template-${name}`), mx);
    for (const some of scene.before ?? []) expect(await template.command(wordsFor(some, mx, ''))).toMatchObject(QUIET);
    const from = scene.before === undefined ? undefined : template.spool;
    while (!isOver) {
      const fault = faults(next++);
      if (fault.act === 'time' && next > TIMES) isOver = true;
      const box = openBox(join(base, `${fault.at}`), mx, from);
      const name = `-${fault.act}-${fault.at}`;
      const faulty = await box.command(wordsFor(scene.words, mx, name), fault);
      const place = `${fault.act} at ${fault.at}, ${faulty.hit}: ${faulty.status} ${faulty.stderr}`;
      if (fault.act === 'time' ? faulty.status !== 0 : faulty.hit !== '-') hits += 1;
      else if (fault.act !== 'time') isOver = true;
      expect([place, await broken(box.spool, [])]).toEqual([place, []]);
      for (let again = 0; again < 3; again++) {
        const clean = await box.command(['queue', 'run', '--all']);
        expect([place, clean]).toMatchObject([place, { stderr: '' }]);
        if (/ 0 messages left|^$/.test(clean.stdout)) break;
      }
      if (isDeep || fault.at % 5 === 0) {
        const check = await box.command(['queue', 'check']);
        expect([place, check]).toMatchObject([
          place,
          { status: 0, stdout: '0 messages good, 0 damaged, no leftovers\n' },
        ]);
      }
      judge({ faulty, box, place, name });
      rmSync(box.folder, { recursive: true, force: true });
    }
  };
  const ends = await Promise.allSettled(
    lanes.map((mx, name) =>
      lane(mx, name).finally(() => {
        isOver = true;
      }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return hits;
}

const QUIET = { status: 0, stdout: '', stderr: '' };
const killed = (at: number): CommandFault => ({ at, act: 'kill', counts: 'changes' });
// In no order, so that a slow minute does not hit neighbours.
const atTime = (turn: number): CommandFault => ({
  at: Math.round(FIRST_MS + ((turn * 7919) % TIMES) * ((LAST_MS - FIRST_MS) / TIMES)),
  act: 'time',
  counts: 'changes',
});
const codes: readonly (readonly [string, (at: number) => CommandFault])[] = isDeep
  ? CODES.map((act) => [`with ${act}`, (at) => ({ at, act, counts: 'all' })] as const)
  : [['in one way or another', (at) => ({ at, act: CODES[at % CODES.length] ?? 'EIO', counts: 'changes' })]];

/** What a submission says is so: 0 where all have it or will, 75 or 73 and one line where who has not will not. */
function truthful({ faulty, place }: Turn): boolean {
  const { status, stdout, stderr } = faulty;
  if (status === 0) expect([place, stdout, stderr]).toEqual([place, '', '']);
  else {
    expect([place, status]).toEqual([place, expect.toBeOneOf([73, 75])]);
    expect([place, stdout]).toEqual([place, '']);
    expect(stderr, place).toMatch(/^(posthaste: [^\n]+\n)+$/);
  }
  return status === 0;
}

describe('the command, killed after any operation or with one that fails,', { timeout: 600_000 }, () => {
  const modes = [
    ['-odq', ['-odq', '-fme@b.test', 'RELAY', 'ann@b.test', 'bob@b.test']],
    ['-odb', ['-odb', '-fme@b.test', 'RELAY', 'ann@b.test', 'bob@b.test']],
  ] as const;
  // Up to the runner in the background they do the same.
  for (const [mode, words] of isDeep ? modes : modes.slice(0, 1)) {
    test(`${mode}: a killed one has given all or nothing`, async () => {
      const hits = await each({ words }, killed, ({ faulty, box, place }) => {
        const copies = [box.got('ann@b.test'), box.got('bob@b.test')];
        expect([place, copies]).toEqual([
          place,
          expect.toBeOneOf([
            [0, 0],
            [1, 1],
          ]),
        ]);
        if (faulty.status === 0) expect([place, copies]).toEqual([place, [1, 1]]);
      });
      expect(hits).toBeGreaterThan(18);
    });
    for (const [way, faults] of codes) {
      test(`${mode}: an operation fails ${way}, and it is taken once or refused`, async () => {
        const hits = await each({ words }, faults, (turn) => {
          const copies = truthful(turn) ? 1 : 0;
          const { box, place } = turn;
          expect([place, box.got('ann@b.test'), box.got('bob@b.test')]).toEqual([place, copies, copies]);
        });
        expect(hits).toBeGreaterThan(18);
      });
    }
  }

  test('a log that can not be closed is no trouble of the mail', async () => {
    const [mx] = lanes;
    if (mx === undefined) throw new Error('no server');
    const base = scratchFolder();
    const words = wordsFor(modes[0][1], mx, '');
    const { count } = await openBox(join(base, 'whole'), mx).command(words, { at: 0, act: 'EIO', counts: 'all' });
    const last = await openBox(join(base, 'last'), mx).command(words, { at: count, act: 'EIO', counts: 'all' });
    expect(last).toEqual({ ...QUIET, hit: 'close', count });
  });

  const interactive: Scene = { words: ['-odi', '-fme@b.test', 'RELAY', 'ann@b.test', 'grey#@b.test'] };
  const greyOf = ({ name, box }: Turn): number => box.got(`grey${name}@b.test`);
  test('-odi: a killed one has delivered once, and keeps the one that was deferred, or nothing', async () => {
    const hits = await each(interactive, killed, (turn) => {
      const { box, faulty, place } = turn;
      expect([place, box.got('ann@b.test')]).toEqual([place, 1]);
      expect([place, greyOf(turn)]).toEqual([place, faulty.status === 0 ? 1 : expect.toBeOneOf([0, 1])]);
    });
    expect(hits).toBeGreaterThan(18);
  });
  for (const [way, faults] of codes) {
    test(`-odi: an operation fails ${way}, and the deferred one is kept or told`, async () => {
      const hits = await each(interactive, faults, (turn) => {
        const copies = truthful(turn) ? 1 : 0;
        expect([turn.place, turn.box.got('ann@b.test'), greyOf(turn)]).toEqual([turn.place, 1, copies]);
        if (copies === 0) expect(turn.faulty.stderr).toContain(`grey${turn.name}@b.test`);
      });
      expect(hits).toBeGreaterThan(18);
    });
  }

  const run: Scene = {
    before: [
      ['-odq', '-fme@b.test', 'RELAY', 'ann@b.test', 'bob@b.test'],
      ['-odq', '-fsue@b.test', 'RELAY', 'carl@b.test', 'gone@b.test'],
    ],
    words: ['queue', 'run'],
  };
  const all = ['ann@b.test', 'bob@b.test', 'carl@b.test'];
  for (const [when, faults] of [
    ['after any operation', killed],
    ['at any time', atTime],
  ] as const) {
    test(`queue run: one killed ${when} loses nothing, and sends twice only what was just answered`, async () => {
      const hits = await each(run, faults, ({ box, place }) => {
        for (const one of [...all, 'sue@b.test']) {
          expect([place, one, box.got(one)]).toEqual([place, one, expect.toBeOneOf([1, WINDOW])]);
        }
      });
      expect(hits).toBeGreaterThan(10);
    });
  }
  for (const [way, faults] of codes) {
    test(`queue run: an operation fails ${way}, and each gets it once`, async () => {
      const hits = await each(run, faults, ({ box, place }) => {
        expect([place, ...all.map((one) => box.got(one))]).toEqual([place, 1, 1, 1]);
        expect([place, box.got('sue@b.test')]).toEqual([place, expect.toBeOneOf([1, 2])]);
      });
      expect(hits).toBeGreaterThan(18);
    });
  }
});
