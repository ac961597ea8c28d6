import { join, resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { systemDisk } from '../queue/disk.ts';
import { isDrop } from '../queue/drop-put.ts';
import type { Surroundings } from './surroundings.ts';

const SYSTEM_SPOOL = '/var/spool/posthaste';

/** The drop of users who are not root; undefined where there is none, or none is wanted. */
export function dropFolder(settings: Pick<Settings, 'spool'>, around: Surroundings): string | undefined {
  if (around.surface.userId() === 0) return undefined;
  const named = around.env.POSTHASTE_DROP;
  if (named === '') return undefined;
  if (named !== undefined) return resolve(around.cwd(), named);
  const folder = join(settings.spool.dir ?? SYSTEM_SPOOL, 'drop');
  return isDrop(systemDisk, folder, 0) ? folder : undefined;
}
