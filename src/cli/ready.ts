import type { Outlet } from '../route/table.ts';
import type { FoundMeans } from './means.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/**
 * Sees that what is to be tried now can be; what only root may try goes into the system's queue.
 * @throws {CommandError} @throws {SecretError} where that is no way out of it
 */
export async function ready(
  options: SendOptions,
  { means, outlets }: { readonly means: FoundMeans; readonly outlets: readonly Outlet[] },
  around: Surroundings,
): Promise<SendOptions> {
  const { settings } = means;
  if (options.mode !== 'interactive' && settings.unread === undefined) return options;
  try {
    if (settings.unread !== undefined) (await import('./drop-place.ts')).refuseUnread(settings.unread, options, around);
    if (options.mode === 'interactive') for (const outlet of outlets) await means.open(outlet);
    return options;
  } catch (error) {
    return (await import('./drop-place.ts')).handedOver(error, { options, settings }, around);
  }
}
