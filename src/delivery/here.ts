import type { LocalTarget } from '../config/via.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { Letter } from './letter.ts';
import { deliverLocally, type LocalWorld } from './local.ts';
import { localPath } from './local-path.ts';

/** Delivers on this host, to the path that each recipient's name gives. Loaded only where a route leads here. */
export async function deliverHere(
  target: LocalTarget,
  letter: Letter,
  world: LocalWorld,
  signal?: AbortSignal,
): Promise<readonly DeliveryResult[]> {
  if (target.kind !== 'maildir' && target.kind !== 'mbox') return deliverLocally(target, letter, world, signal);
  const results: DeliveryResult[] = [];
  for (const recipient of letter.recipients) {
    const place = localPath(target.path, recipient);
    if ('failure' in place) results.push({ outcome: 'failed', recipient, failure: place.failure });
    else {
      const one = { ...letter, recipients: [recipient] };
      results.push(...(await deliverLocally({ ...target, path: place.path }, one, world, signal)));
    }
  }
  return results;
}
