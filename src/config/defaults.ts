import type {
  Account,
  BounceSettings,
  LimitSettings,
  LoginSettings,
  NetworkSettings,
  RetrySettings,
  RunnerSettings,
  SendmailSettings,
  Settings,
  TlsSettings,
  Variation,
} from './settings.ts';

/** What holds where nothing is configured. */
export const DEFAULTS: Settings = {
  // Who names one address means that mail is from it.
  fromMode: 'force',
  dsn: true,
  network: { ip: 'any', source: [] },
  login: {},
  accounts: {},
  routes: [],
  local: 'relay',
  // No line of a log is taken for the end of it, and a typist's habit still works.
  sendmail: { loneDot: 'eof-only', skipEmpty: false, repeatWindow: 0 },
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
  readonly unread?: string;
  readonly from?: string;
  readonly fromMode?: Settings['fromMode'];
  readonly dsn?: boolean;
  readonly network?: Partial<NetworkSettings>;
  readonly relay?: string;
  readonly login?: LoginSettings;
  readonly account?: string;
  readonly accounts?: Readonly<Record<string, Partial<Account>>>;
  /** They go before those that are there. */
  readonly routes?: Settings['routes'];
  readonly local?: string;
  readonly sendmail?: Partial<SendmailSettings>;
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
 * The settings with the overrides in their place. What names a relay or the account in its place takes the old one and
 * its login with it. A list of fingerprints that is empty overrides nothing, another certificate takes the old one's
 * key with it, and another place of the password the old place.
 */
export function applyOverrides(settings: Settings, overrides: Overrides): Settings {
  if (Object.keys(overrides).length === 0) return settings;
  const { account, ...nameless } = settings;
  const { relay, ...unrelayed } = settings;
  const isOther = overrides.relay !== undefined || overrides.account !== undefined;
  const { ca, minVersion, fingerprints } = settings.tls;
  return {
    ...(overrides.relay !== undefined ? nameless : overrides.account !== undefined ? unrelayed : settings),
    ...overrides,
    network: merge(settings.network, overrides.network),
    login: mergeLogin(isOther ? {} : settings.login, overrides.login),
    accounts: mergeAccounts(settings.accounts, overrides.accounts),
    routes: [...(overrides.routes ?? []), ...settings.routes],
    sendmail: merge(settings.sendmail, overrides.sendmail),
    aliases: merge(settings.aliases, overrides.aliases),
    dns: merge(settings.dns, overrides.dns),
    mx: merge(settings.mx, overrides.mx),
    tls: { ca, minVersion, fingerprints, ...mergeTls(settings.tls, overrides.tls) },
    timeouts: merge(settings.timeouts, overrides.timeouts),
    limits: merge(settings.limits, overrides.limits),
    spool: merge(settings.spool, overrides.spool),
    drop: merge(settings.drop, overrides.drop),
    retry: merge(settings.retry, overrides.retry),
    runner: merge(settings.runner, overrides.runner),
    bounce: merge(settings.bounce, overrides.bounce),
  };
}

const merge = <T extends object>(old: T, fresh: Partial<T> | undefined): T =>
  fresh === undefined ? old : { ...old, ...fresh };

/** An account may be named in several files; one without a relay has an empty URL, which nobody can use. */
function mergeAccounts(old: Settings['accounts'], fresh: Overrides['accounts']): Settings['accounts'] {
  if (fresh === undefined) return old;
  const merged = new Map(Object.entries(old));
  for (const [name, account] of Object.entries(fresh)) {
    const before = merged.get(name);
    merged.set(name, before === undefined ? { ...NO_ACCOUNT, ...account } : mergeAccount(before, account));
  }
  return Object.fromEntries(merged);
}

const NO_ACCOUNT: Account = { url: '', senders: [], over: {} };

function mergeAccount(before: Account, account: Partial<Account>): Account {
  const { passwordFile, passwordCommand, oauth: old, ...others } = before;
  const isKept = account.passwordFile === undefined && account.passwordCommand === undefined;
  const oauth = account.oauth === undefined ? {} : { oauth: { ...(isKept ? old : {}), ...account.oauth } };
  const over = mergeVariations(before.over, account.over);
  return { ...(isKept ? before : others), ...account, ...oauth, over };
}

/** The same for what an account says of its own. */
function mergeVariations(old: Variation, fresh: Variation = {}): Variation {
  return {
    ...old,
    ...fresh,
    network: { ...old.network, ...fresh.network },
    tls: mergeTls(old.tls ?? {}, fresh.tls),
    timeouts: { ...old.timeouts, ...fresh.timeouts },
    retry: { ...old.retry, ...fresh.retry },
    limits: { ...old.limits, ...fresh.limits },
    runner: { ...old.runner, ...fresh.runner },
    mx: { ...old.mx, ...fresh.mx },
  };
}

type SomeTls = Partial<TlsSettings>;

function mergeTls(old: SomeTls, { fingerprints = [], ...tls }: SomeTls = {}): SomeTls {
  const { key, ...keyless } = old;
  return {
    ...(tls.cert === undefined ? old : keyless),
    ...tls,
    ...(fingerprints.length === 0 ? {} : { fingerprints }),
  };
}

/** Another place of the password takes the old one with it. */
export function mergeLogin(login: LoginSettings, over: LoginSettings = {}): LoginSettings {
  const { passwordFile: _, passwordCommand: __, oauth: ___, ...rest } = login;
  const hasPlace = over.passwordFile !== undefined || over.passwordCommand !== undefined;
  return { ...(hasPlace ? rest : login), ...over };
}
