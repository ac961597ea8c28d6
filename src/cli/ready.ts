import type { Rule } from '../route/table.ts';
import type { FoundMeans } from './means.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/**
 * Sees that what is to be tried now can be; what only root may try goes into the system's queue.
 * @throws {CommandError} @throws {SecretError} where that is no way out of it
 */
export async function ready(
  options: SendOptions,
  { means, rules }: { readonly means: FoundMeans; readonly rules: Iterable<Rule> },
  around: Surroundings,
): Promise<SendOptions> {
  const { settings } = means;
  if (options.mode !== 'interactive' && settings.unread === undefined) return options;
  try {
    if (settings.unread !== undefined) (await import('./drop-place.ts')).refuseUnread(settings.unread, options, around);
    if (options.mode === 'interactive') for (const rule of rules) await openOne(rule, means);
    return options;
  } catch (error) {
    return (await import('./drop-place.ts')).handedOver(error, { options, settings }, around);
  }
}

/** One way of a rule is enough: what is wrong with the others has the next one tried. @throws what the first one throws */
async function openOne({ outlets: [first, ...others] }: Rule, means: FoundMeans): Promise<void> {
  try {
    await means.open(first);
  } catch (error) {
    for (const other of others) {
      const opened = await means.open(other).catch(() => undefined);
      if (opened !== undefined) return;
    }
    throw error;
  }
}
