import { writeSync } from 'node:fs';
import { systemDisk } from '../../src/queue/disk.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { faultyDisk } from './fault-disk.ts';
import { change, live, openFor } from './life.ts';

/*
 * A process that works on a spool until it is killed: `<folder> <at>` by itself after that change of the disk, and without `at`
 * by whoever started it, for it goes on for ever. What it has done it says on standard output, with no buffer between.
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
  if (at !== '0') {
    await live(life);
    return say('operations', String(count()));
  }
  const spool = await openFor(life);
  say('ready', '-');
  for (;;) await Promise.all([change(spool, say), change(spool, say), change(spool, say)]);
}

run().catch((error) => {
  writeSync(2, `${error.stack}\n`);
  process.exit(1);
});
