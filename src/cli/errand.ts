import { DEFAULTS } from '../config/defaults.ts';
import { deliverForOwner } from '../delivery/for-owner.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/** Reads a message and where it goes on standard input, and answers on standard output. @throws {CommandError} */
export async function runErrand(around: Surroundings): Promise<ExitCode> {
  if (around.surface.userId() === 0) throw new CommandError('Cannot deliver: an errand is never root’s', EXIT.usage);
  const conversation = around.converse();
  const answer = await deliverForOwner(conversation.input, around.openWorld(DEFAULTS), around.catchSignals());
  await conversation.write(answer);
  return EXIT.ok;
}
