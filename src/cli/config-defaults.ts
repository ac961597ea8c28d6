import { DEFAULTS } from '../config/defaults.ts';
import type { Said } from '../config/said.ts';
import type { Settings } from '../config/settings.ts';
import { writeDuration } from '../config/written.ts';
import { DEFAULT_SCHEDULE } from '../queue/schedule.ts';
import { STAGES } from '../smtp/stages.ts';
import { CommandError } from './failure.ts';
import { identify } from './identity.ts';
import { findSpool, logPlace } from './queue-open.ts';
import type { Surroundings } from './surroundings.ts';

/** What holds where nothing is said, by the file's own keys; what depends on more than the settings is not among it. */
export function defaultSaid(settings: Settings, around: Surroundings): readonly Pick<Said, 'path' | 'value'>[] {
  const { fqdn, domain } = identify(settings, around.surface);
  const { mx, tls, limits, drop, runner, bounce, sendmail } = DEFAULTS;
  const { retry, expire, warn } = DEFAULT_SCHEDULE;
  const tables = {
    mx: { port: mx.port, allow_local: mx.allowLocal },
    tls: { ca: tls.ca, min_version: tls.minVersion },
    timeouts: Object.fromEntries(Object.entries(STAGES).map(([stage, { seconds }]) => [stage, seconds])),
    limits: {
      recipients: limits.recipients,
      addresses: limits.addresses,
      sessions: limits.sessions,
      destinations: limits.destinations,
      message_size: limits.messageSize,
    },
    spool: { ...spoolFolder(settings, around), fsync: DEFAULTS.spool.fsync },
    drop: { senders: drop.senders, messages: drop.messages, size: drop.size },
    runner: {
      linger: writeDuration(runner.linger),
      sessions: runner.sessions,
      destination_sessions: runner.destinationSessions,
      transactions: runner.transactions,
    },
    bounce: { size: bounce.size, digest: bounce.digest },
    sendmail: {
      lone_dot: sendmail.loneDot,
      skip_empty: sendmail.skipEmpty,
      repeat_window: writeDuration(sendmail.repeatWindow),
    },
  };
  const single = {
    relay: 'mx',
    local: DEFAULTS.local,
    domain,
    ...(fqdn === undefined ? {} : { hostname: fqdn }),
    from_mode: DEFAULTS.fromMode,
    dsn: DEFAULTS.dsn,
    ip: DEFAULTS.network.ip,
    retry: retry.map(writeDuration),
    expire: writeDuration(expire),
    delay_warning: writeDuration(warn),
    log: logPlace(settings, around),
  };
  return [
    ...Object.entries(single).map(([key, value]) => ({ path: [key], value })),
    ...Object.entries(tables).flatMap(([table, keys]) =>
      Object.entries(keys).map(([key, value]) => ({ path: [table, key], value })),
    ),
  ];
}

/** A user without a home has none. */
function spoolFolder(settings: Settings, around: Surroundings): { readonly dir?: string } {
  try {
    return { dir: findSpool({ settings, option: undefined }, around) };
  } catch (error) {
    if (error instanceof CommandError) return {};
    throw error;
  }
}
