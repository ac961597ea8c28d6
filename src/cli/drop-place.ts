import { join, resolve } from 'node:path';
import { systemDisk } from '../queue/disk.ts';
import { isDrop } from '../queue/drop-put.ts';
import type { Job } from './send.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * Whether a message goes into the drop of the system's spool, where root's runner takes it in: it is that of a user who
 * has said nothing of his own about the way that mail goes, is not to be tried before we end, and there is a drop.
 * So mail that a user's cron or PHP sends goes the way of the system, with passwords that the user can't read.
 */

const SYSTEM_SPOOL = '/var/spool/posthaste';

/** The drop's folder; undefined: the message is the user's own matter. */
export function findDrop(
  { options, settings }: Pick<Job, 'options' | 'settings'>,
  around: Surroundings,
): string | undefined {
  if (options.mode === 'interactive' || around.surface.userId() === 0 || hasOwnWay(options, around)) return undefined;
  const named = around.env.POSTHASTE_DROP;
  if (named === '') return undefined;
  if (named !== undefined) return resolve(around.cwd(), named);
  const folder = join(settings.spool.dir ?? SYSTEM_SPOOL, 'drop');
  return isDrop(systemDisk, folder, 0) ? folder : undefined;
}

/** Something was said of the way that nobody but the user may know. */
function hasOwnWay(options: Job['options'], { env }: Surroundings): boolean {
  const { config, account, relay, spool, port, auth, passwordFile, passwordCommand, tls } = options;
  const said = [config, account, relay, spool, port, auth, passwordFile, passwordCommand];
  const ofTls = [tls.level, tls.ca, tls.cert, tls.key, ...tls.fingerprints];
  return [...said, ...ofTls].some((each) => each !== undefined) || (env.POSTHASTE_SPOOL ?? '') !== '';
}
