import { writeSync } from 'node:fs';
import { systemDisk } from '../../src/queue/disk.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { faultyDisk } from './fault-disk.ts';
import { change, live, openFor } from './life.ts';

/*
 * A process that works on a spool until it is killed: `<folder> <at>` by itself after that change of the disk, and without `at`
 * by whoever started it, for it goes on for ever. `<folder> work` does what is there, each entry in two steps, and ends.
 * What was done is said on standard output, with no buffer between.
 */
const [folder = '', at = '0'] = process.argv.slice(2);
const say = (word: string, id: string): void => {
  writeSync(1, `${word} ${id}\n`);
};
const { disk, count } = faultyDisk(systemDisk, { at: Number(at) || -1, act: 'end', counts: 'changes' }, () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal to oneself is delivered before kill() returns; nothing of ours runs after it.
  throw new Error('Cannot go on: killed');
});
const life = { folder, process: currentOwner(), disk, say };

async function run(): Promise<void> {
  if (at === 'work') return work(await openFor(life));
  if (at !== '0') {
    await live(life);
    return say('operations', String(count()));
  }
  const spool = await openFor(life);
  say('ready', '-');
  for (;;) await Promise.all([change(spool, say), change(spool, say), change(spool, say)]);
}

/** Starts when standard input ends, so that many start as one. */
async function work(spool: Spool): Promise<void> {
  const ids = await spool.ids();
  say('ready', '-');
  for await (const _ of process.stdin);
  for (const id of ids) {
    const claim = await spool.claim(id);
    if (claim === undefined) continue;
    say('handled', id);
    await spool.replace(claim, { ...claim.entry, held: true });
    await spool.remove(claim);
    await claim.release();
  }
}

run().catch((error) => {
  writeSync(2, `${error.stack}\n`);
  process.exit(1);
});
