import { nobody } from './envelope.ts';
import type { ExitCode } from './exit.ts';
import { showExplanation } from './explain.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/**
 * `sendmail -bv ADDRESS…`: what `posthaste explain` says of each address. Nothing is sent and no connection is made; the
 * exit status is that of what is known already to fail.
 */
export async function showRecipients(given: SendOptions, around: Surroundings): Promise<ExitCode> {
  if (given.words.length === 0) throw nobody('-bv needs an address to look at');
  return showExplanation(given, around);
}
