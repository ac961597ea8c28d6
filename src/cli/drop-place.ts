import { codeOf } from '../queue/disk.ts';
import { dropFolder } from './drop-folder.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { userConfig } from './layers.ts';
import type { Job } from './send.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/*
 * Whether a message goes into the drop of the system's spool, where root's runner takes it in: it is that of a user who
 * has said nothing of his own about the way that mail goes, is not to be tried before we end, and there is a drop.
 * So mail that a user's cron or PHP sends goes the way of the system, with passwords that the user can't read.
 */

/** The drop's folder; undefined: the message is the user's own matter. */
export function findDrop(
  { options, settings }: Pick<Job, 'options' | 'settings'>,
  around: Surroundings,
): string | undefined {
  if (options.mode === 'interactive' || hasOwnWay(options, around)) return undefined;
  return dropFolder(settings, around);
}

/** Something was said of the way that nobody but the user may know. */
function hasOwnWay(options: Job['options'], around: Surroundings): boolean {
  const { config, account, relay, from, hostname, spool, port, auth, passwordFile, passwordCommand, tls } = options;
  const said = [config, account, relay, from, hostname, spool, port, auth, passwordFile, passwordCommand];
  const ofTls = [tls.level, tls.ca, tls.cert, tls.key, ...tls.fingerprints];
  const { POSTHASTE_SPOOL, POSTHASTE_CONFIG } = around.env;
  const named = [...said, ...ofTls, POSTHASTE_SPOOL || undefined, POSTHASTE_CONFIG || undefined];
  return named.some((each) => each !== undefined) || hasOwnFile(around);
}

function hasOwnFile(around: Surroundings): boolean {
  const file = userConfig(around);
  try {
    return file !== undefined && around.findConfig(file) !== undefined;
  } catch {
    return true;
  }
}

/** @throws {CommandError} where the way is the system's, and what the system says of it is not known */
export function refuseUnread(reason: string, options: SendOptions, around: Surroundings): void {
  if (!hasOwnWay(options, around)) throw new CommandError(reason, EXIT.noPermission);
}

/**
 * The options of a message that can't be tried by us because only root may read what that needs: it goes into the queue
 * of the system. @throws the error, where that is no way out of it
 */
export function handedOver(
  error: unknown,
  { options, settings }: Pick<Job, 'options' | 'settings'>,
  around: Surroundings,
): SendOptions {
  const handed: SendOptions = { ...options, mode: 'queue' };
  const isWanted = options.queue && !options.dryRun && isForbidden(error);
  if (isWanted && findDrop({ options: handed, settings }, around) !== undefined) return handed;
  throw error;
}

const isForbidden = (error: unknown): boolean =>
  error instanceof Error && (('exit' in error && error.exit === EXIT.noPermission) || codeOf(error.cause) === 'EACCES');
