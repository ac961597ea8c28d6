import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool } from '../../src/queue/spool.ts';

const names = (folder: string, room: string): readonly string[] => {
  try {
    return readdirSync(join(folder, room)).sort();
  } catch {
    // It ended before the room was made.
    return [];
  }
};
const ids = (folder: string, room: string): readonly string[] =>
  names(folder, room)
    .filter((name) => !name.endsWith('.message'))
    .map((name) => name.replace('.json', ''));

/** Written anew under the same name each time. */
const STORMS = 'storms.json';

/** What breaks the spool's promise, given what was said before the end; empty where it was kept. */
export async function broken(folder: string, said: readonly string[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  const expect = (right: boolean, text: string) => right || wrong.push(text);
  const withoutMessage = ids(folder, 'entry').filter((id) => !ids(folder, 'message').includes(id));
  expect(withoutMessage.length === 0, `entries without a message: ${withoutMessage.join()}`);

  const spool = await openSpool({
    folder,
    fsync: false,
    process: currentOwner(),
    now: Date.now,
    onDamage: ({ id, reason }) => wrong.push(`damaged ${id}: ${reason}`),
  });
  await spool.sweep(-1000);
  const entries = ids(folder, 'entry');
  expect(ids(folder, 'message').join() === entries.join(), 'a message without an entry outlives the sweep');
  for (const room of ['tmp', 'damaged']) {
    const left = names(folder, room).filter((name) => name !== STORMS);
    expect(left.length === 0, `${room} is not empty: ${left.join()}`);
  }
  const claims = names(folder, 'claim').filter((name) => !name.startsWith('owner.'));
  expect(claims.length === 0, `claims outlive the sweep: ${claims.join()}`);
  for (const id of entries) {
    const claim = await spool.claim(id);
    expect(claim !== undefined, `${id} can't be claimed`);
    if (claim !== undefined) await spool.verify(claim.entry).catch((error) => wrong.push(String(error)));
    await claim?.release();
  }
  for (const line of said) {
    const [word, id = ''] = line.split(' ');
    const there = entries.includes(id);
    const kept = names(folder, 'failed');
    if (word === 'accepted' && !there) {
      expect(said.includes(`removing ${id}`) || kept.includes(`${id}.json`), `${id} was accepted and is lost`);
    }
    if (word === 'replaced') expect((await spool.read(id))?.held === true, `${id} lost its change`);
    if (word === 'removed') expect(!there, `${id} was removed and is there`);
    if (word === 'failed') expect(!there && kept.includes(`${id}.message`), `${id} was not kept`);
  }
  return wrong;
}
