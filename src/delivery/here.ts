import type { LocalTarget } from '../config/via.ts';
import type { Ending } from '../mail/ending.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { Becoming } from '../world.ts';
import type { Letter } from './letter.ts';
import { deliverLocally, type LocalWorld } from './local.ts';
import { systemLocalDisk } from './local-disk.ts';
import { ownerOf } from './local-folders.ts';
import { localPath } from './local-path.ts';
import { failureOf } from './local-trouble.ts';

/** Delivers on this host, to the path that each recipient's name gives. Loaded only where a route leads here. */
export async function deliverHere(
  target: LocalTarget,
  letter: Letter,
  world: LocalWorld,
  signal?: Ending,
): Promise<readonly DeliveryResult[]> {
  if (target.kind !== 'maildir' && target.kind !== 'mbox') return deliverLocally(target, letter, world, signal);
  const results: DeliveryResult[] = [];
  for (const recipient of letter.recipients) {
    const place = localPath(target.path, recipient);
    if ('failure' in place) {
      results.push({ outcome: 'failed', recipient, failure: place.failure });
      continue;
    }
    const one = { ...letter, recipients: [recipient] };
    const there = { ...target, path: place.path };
    const becoming = othersAt(place.path, world);
    if (becoming === undefined) results.push(...(await deliverLocally(there, one, world, signal)));
    else {
      const { deliverAsOwner } = await import('./as-owner.ts');
      results.push(...(await deliverAsOwner({ target: there, letter: one, becoming }, signal)));
    }
  }
  return results;
}

/** How another user is had deliver, where root may not; undefined where we do it, or find out why not. */
function othersAt(path: string, world: LocalWorld): Becoming | undefined {
  try {
    const owner = ownerOf(world.disk ?? systemLocalDisk, path);
    return owner === undefined ? undefined : world.become?.(owner);
  } catch (error) {
    if (failureOf(error) === undefined) throw error;
    return undefined;
  }
}
