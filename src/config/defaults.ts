import type {
  BounceSettings,
  LimitSettings,
  RetrySettings,
  RunnerSettings,
  Settings,
  TlsSettings,
} from './settings.ts';

/** What holds where nothing is configured. */
export const DEFAULTS: Settings = {
  dns: {},
  mx: { port: 25, allowLocal: false },
  tls: { ca: 'system', minVersion: 'TLSv1.2', fingerprints: [] },
  timeouts: {},
  limits: { recipients: 100, addresses: 5, sessions: 2, destinations: 10, messageSize: 0 },
  spool: { fsync: true },
  // A user's own mistake, such as a cron job that runs wild, keeps no other waiting.
  drop: { senders: 'any', messages: 1000, size: 67_108_864 },
  retry: {},
  // The first five attempts fall into an hour.
  runner: { linger: 3_600_000, sessions: 20, destinationSessions: 5, transactions: 100 },
  // Postfix's and Exim's measure lies between 50 KiB and 100 KiB.
  bounce: { size: 51_200, digest: 10 },
  aliases: {},
};

/** Settings of which any may be absent: what a file or the command line says. */
export interface Overrides {
  readonly domain?: string;
  readonly hostname?: string;
  readonly dns?: Settings['dns'];
  readonly mx?: Partial<Settings['mx']>;
  readonly tls?: Partial<TlsSettings>;
  readonly timeouts?: Settings['timeouts'];
  readonly limits?: Partial<LimitSettings>;
  readonly spool?: Partial<Settings['spool']>;
  readonly drop?: Partial<Settings['drop']>;
  readonly retry?: RetrySettings;
  readonly runner?: Partial<RunnerSettings>;
  readonly bounce?: Partial<BounceSettings>;
  readonly aliases?: Settings['aliases'];
  readonly log?: string;
}

/**
 * The settings with the overrides in their place. A list of fingerprints that is empty overrides nothing, and another
 * certificate takes the old one's key with it.
 */
export function applyOverrides(settings: Settings, overrides: Overrides): Settings {
  const { fingerprints = [], ...tls } = overrides.tls ?? {};
  const { key, ...keyless } = settings.tls;
  return {
    ...settings,
    ...overrides,
    dns: { ...settings.dns, ...overrides.dns },
    mx: { ...settings.mx, ...overrides.mx },
    tls: {
      ...(tls.cert === undefined ? settings.tls : keyless),
      ...tls,
      ...(fingerprints.length === 0 ? {} : { fingerprints }),
    },
    timeouts: { ...settings.timeouts, ...overrides.timeouts },
    limits: { ...settings.limits, ...overrides.limits },
    spool: { ...settings.spool, ...overrides.spool },
    drop: { ...settings.drop, ...overrides.drop },
    retry: { ...settings.retry, ...overrides.retry },
    runner: { ...settings.runner, ...overrides.runner },
    bounce: { ...settings.bounce, ...overrides.bounce },
  };
}
