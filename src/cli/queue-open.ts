import type { Settings } from '../config/settings.ts';
import { systemDisk, unlessMissing } from '../queue/disk.ts';
import { type EventLog, openEventLog } from '../queue/event-log.ts';
import { currentOwner } from '../queue/owner.ts';
import type { ReportSettings } from '../queue/run-reports.ts';
import { type Damage, openSpool, type Spool } from '../queue/spool.ts';
import { type Asker, logTarget, rootSpools, spoolPlace } from '../submit/places.ts';
import { EXIT } from './exit.ts';
import { expand } from './expand.ts';
import { CommandError } from './failure.ts';
import { identify } from './identity.ts';
import type { Surroundings } from './surroundings.ts';

/* The spool and its log, where the options, the environment and the settings say. */

export interface Where {
  readonly settings: Settings;
  /** `--spool`. */
  readonly option: string | undefined;
  readonly log: EventLog;
  readonly onDamage?: (damage: Damage) => void;
}

const asker = ({ env, surface, home, cwd }: Surroundings): Asker => ({ env, uid: surface.userId(), home, cwd });

/** @throws {CommandError} with 78 where there is no place for one @throws {SpoolError} */
export async function openQueue({ settings, option, log, onDamage }: Where, around: Surroundings): Promise<Spool> {
  const now = (): number => around.now();
  return openSpool({
    folder: findSpool({ settings, option }, around),
    fsync: settings.spool.fsync,
    process: currentOwner(),
    now,
    onDamage(damage) {
      log.write({ event: 'damaged', time: now(), id: damage.id, reason: damage.reason });
      onDamage?.(damage);
    },
  });
}

/** Does not make a spool to look into: where there is none, nothing is queued. What else is wrong, opening it tells. */
export function hasQueue(where: Pick<Where, 'settings' | 'option'>, around: Surroundings): boolean {
  const folder = findSpool(where, around);
  try {
    return unlessMissing(() => systemDisk.lstat(folder)) !== undefined;
  } catch {
    return true;
  }
}

/** The absolute path. @throws {CommandError} with 78 where there is no place for one */
export function findSpool({ settings, option }: Pick<Where, 'settings' | 'option'>, around: Surroundings): string {
  const place = spoolPlace({ option, configured: settings.spool.dir }, asker(around));
  if ('path' in place) return place.path;
  throw new CommandError(`Cannot open spool: ${place.reason}; name a folder with --spool`, EXIT.config);
}

/**
 * The spools that root owns beside the one that `findSpool` gives, where nothing was said of any: somebody else's, and
 * what is none, are passed over.
 */
export function otherSpools({ settings, option }: Pick<Where, 'settings' | 'option'>, around: Surroundings) {
  const isNamed = option !== undefined || (around.env.POSTHASTE_SPOOL ?? '') !== '';
  if (isNamed || around.surface.userId() !== 0) return [];
  const first = findSpool({ settings, option }, around);
  return rootSpools(settings.spool.dir, asker(around)).filter((folder) => folder !== first && isOurs(folder));
}

function isOurs(folder: string): boolean {
  try {
    const { kind, uid } = systemDisk.lstat(folder);
    return kind === 'folder' && uid === 0;
  } catch {
    return false;
  }
}

/** Where the events of the queue are told, as the configuration would name it. */
export function logPlace({ log }: Settings, around: Surroundings): string {
  const target = logTarget(log, asker(around));
  return typeof target === 'string' ? target : target.file;
}

/** `tag`: what syslog calls us. */
export function openLog(settings: Settings, around: Surroundings, tag?: string): EventLog {
  const target = logTarget(settings.log, asker(around));
  return openEventLog(target === 'stderr' ? { write: (text) => around.stderr.write(text) } : target, tag);
}

export function reportSettings(settings: Settings, around: Surroundings): ReportSettings {
  const identity = identify(settings, around.surface);
  const { fqdn, domain } = identity;
  return {
    // A sender such as root@here was named by us: cron has none.
    readersOf(recipients) {
      const named = recipients.map((recipient) =>
        recipient.address.domain === domain ? { ...recipient, unqualified: true as const } : recipient,
      );
      return expand({ recipients: named, settings, identity, aliases: true }, around).recipients;
    },
    fqdn: fqdn ?? domain,
    zone: (now) => around.zone(now),
    postmaster: { local: 'postmaster', domain },
    returnLimit: settings.bounce.size,
    digest: settings.bounce.digest,
  };
}
