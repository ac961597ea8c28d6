import type { Overrides } from './defaults.ts';
import type { FileSettings } from './schema.ts';
import type { Account, LoginSettings, OAuthSettings, RouteRule, Variation } from './settings.ts';
import { absoluteVia } from './via.ts';

/*
 * What a file says, by the names of Settings: here the words of TOML (`delay_warning`) become ours (`retry.delayWarning`).
 * `path` makes a path absolute.
 */

type FilePath = (name: string) => string;
type FileRoute = NonNullable<FileSettings['route']>[number];
type FileAccount = NonNullable<FileSettings['account']>[string];
type Tls = NonNullable<FileSettings['tls']>;

export function toOverrides(file: FileSettings, path: FilePath): Overrides {
  const { dns, mx = {}, limits = {}, spool = {}, drop = {}, runner = {}, bounce = {}, sendmail = {}, log } = file;
  const way = (text: string): string => absoluteVia(text, path);
  const accounts = Object.entries(file.account ?? {}).map(([name, each]) => [name, toAccount(each, path)] as const);
  const { domain, aliases } = file;
  return {
    ...given({ domain, aliases, account: file.default_account }),
    ...given({ log: log && (LOG_WORDS.includes(log) ? log : path(log)) }),
    ...given({ relay: file.relay && way(file.relay), local: file.local && way(file.local) }),
    ...variation({ ...file, tls: file.tls, timeouts: file.timeouts }, path),
    ...(accounts.length > 0 && { accounts: Object.fromEntries(accounts) }),
    ...(file.route && { routes: file.route.map((each) => toRoute(each, path)) }),
    ...(dns?.servers && { dns: { servers: dns.servers } }),
    login: toLogin(file, path),
    mx: given({ port: mx.port, allowLocal: mx.allow_local }),
    limits: given({
      recipients: limits.recipients,
      addresses: limits.addresses,
      sessions: limits.sessions,
      destinations: limits.destinations,
      messageSize: limits.message_size,
      rate: limits.rate,
    }),
    spool: given({ dir: spool.dir && path(spool.dir), fsync: spool.fsync }),
    drop: given({ senders: drop.senders, messages: drop.messages, size: drop.size }),
    runner: given({
      linger: runner.linger,
      sessions: runner.sessions,
      destinationSessions: runner.destination_sessions,
      transactions: runner.transactions,
    }),
    bounce: given({ size: bounce.size, digest: bounce.digest }),
    sendmail: given({
      loneDot: sendmail.lone_dot,
      skipEmpty: sendmail.skip_empty,
      repeatWindow: sendmail.repeat_window,
    }),
  };
}

function toAccount(file: FileAccount, path: FilePath): Partial<Account> {
  const { url, user, sender: senders } = file;
  return {
    ...given({ url: url && absoluteVia(url, path), user, senders }),
    ...toLogin(file, path),
    ...(file.oauth && { oauth: toOAuth(file.oauth, path) }),
    over: ownVariation(file, path),
  };
}

const toOAuth = (file: NonNullable<FileAccount['oauth']>, path: FilePath): OAuthSettings =>
  given({
    tokenCommand: file.token_command,
    provider: file.provider,
    tenant: file.tenant,
    clientId: file.client_id,
    clientSecretFile: file.client_secret_file && path(file.client_secret_file),
    authUrl: file.auth_url,
    deviceUrl: file.device_url,
    tokenUrl: file.token_url,
    scope: file.scope,
    flow: file.flow,
  });

const toRoute = (file: FileRoute, path: FilePath): RouteRule => ({
  recipients: file.recipient ?? [],
  senders: file.sender ?? [],
  uids: file.uid ?? [],
  via: (file.via ?? []).map((text) => absoluteVia(text, path)),
  over: ownVariation(file, path),
});

type LoginKeys = Pick<FileSettings, 'auth' | 'password_file' | 'open_password_file' | 'password_command'>;

const toLogin = (keys: LoginKeys, path: FilePath): LoginSettings =>
  given({
    auth: keys.auth,
    passwordFile: keys.password_file && path(keys.password_file),
    openPasswordFile: keys.open_password_file,
    passwordCommand: keys.password_command,
  });

type VariationKeys = Omit<FileRoute, 'recipient' | 'sender' | 'uid' | 'via' | 'rate' | 'sessions' | 'port'>;

function variation(file: VariationKeys, path: FilePath): Variation {
  const { from, from_mode, hostname, dsn, timeouts } = file;
  return {
    ...given({ from, fromMode: from_mode, hostname, dsn, timeouts: timeouts && given(timeouts) }),
    network: given({ ip: file.ip, source: file.source_address, proxy: file.proxy }),
    retry: given({ pauses: file.retry, expire: file.expire, delayWarning: file.delay_warning }),
    tls: toTls(file.tls ?? {}, path),
  };
}

const ownVariation = (file: FileRoute | FileAccount, path: FilePath): Variation => ({
  ...variation(file, path),
  limits: given({ rate: file.rate }),
  runner: given({ destinationSessions: file.sessions }),
  mx: given({ port: file.port }),
});

const toTls = (tls: Tls, path: FilePath): NonNullable<Variation['tls']> =>
  given({
    level: tls.level,
    ca: tls.ca === undefined || tls.ca === 'system' || tls.ca === 'node' ? tls.ca : path(tls.ca),
    minVersion: tls.min_version,
    cert: tls.cert && path(tls.cert),
    key: tls.key && path(tls.key),
    fingerprints: tls.fingerprints,
  });

/** The others are paths. */
const LOG_WORDS: readonly string[] = ['stderr', 'syslog', 'none'];

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined. */
function given<T extends object>(members: T): Given<T> {
  const result: Given<T> = {};
  for (const key in members) {
    const value = members[key];
    if (value !== undefined) result[key] = value as Exclude<T[typeof key], undefined>;
  }
  return result;
}
