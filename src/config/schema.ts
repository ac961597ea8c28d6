import * as v from 'valibot';
import type { Stage } from '../mail/result.ts';
import { keysOf } from './known-keys.ts';
import type { Reading } from './values.ts';
import * as value from './values.ts';

/*
 * The keys of posthaste.toml and what each may be, checked with valibot (which only this file imports, and which is only
 * loaded where there is a file). Each message says what is allowed, as a phrase that fits behind "must be". A key more is
 * one line here, and one in `config/config` where its name is another than in Settings.
 */

/** Text on one line. */
const line = (allowed: string) =>
  v.pipe(v.string(allowed), v.regex(/^[^\r\n\0]+$/, `${allowed}, on one line and not empty`));

/** A value made by one of `config/values`, whose phrase is the message. */
const read = <I, O>(reader: (given: I) => Reading<O>) =>
  v.rawTransform<I, O>(({ dataset, addIssue, NEVER }) => {
    const result = reader(dataset.value);
    if ('value' in result) return result.value;
    addIssue({ message: result.allowed });
    return NEVER;
  });

function whole(least: number, most: number) {
  const allowed = `a whole number from ${least} to ${most}`;
  return v.optional(
    v.pipe(v.number(allowed), v.integer(allowed), v.minValue(least, allowed), v.maxValue(most, allowed)),
  );
}

function oneOf<const T extends readonly string[]>(words: T) {
  return v.optional(v.picklist(words, words.map((word) => `"${word}"`).join(' or ')));
}

/** Lists and dates are objects too, and none of them is a table. */
function table<const T extends v.ObjectEntries>(entries: T) {
  const allowed = `a table with the keys ${Object.keys(entries).join(', ')}`;
  const plain = v.check((given) => !Array.isArray(given) && !(given instanceof Date), allowed);
  return v.pipe(v.unknown(), plain, v.object(entries, allowed));
}

const maybe = <const T extends v.ObjectEntries>(entries: T) => v.optional(table(entries));

const list = <T extends v.GenericSchema>(element: T, what: string) => v.array(element, `a list of ${what}`);

const full = <T extends v.GenericSchema>(element: T, what: string) =>
  v.pipe(list(element, what), v.minLength(1, `a list of ${what} that is not empty`));

/** One of them, or a list of at least one. */
function several<const T extends v.GenericSchema>(element: T, what: string) {
  const one = v.pipe(
    element,
    v.transform((one) => [one]),
  );
  const many = full(element, what);
  return v.optional(v.lazy((given) => (Array.isArray(given) ? many : one)));
}

/** `~ann/` means something to shells only. */
const path = (what: string) => v.pipe(line(what), v.regex(/^(?!~[^/])/, `${what}; of homes, "~/" is one's own`));

const file = (what: string) => v.optional(path(`the path of ${what}`));

const numberOrText = (allowed: string) => v.union([v.number(), v.string()], allowed);
const seconds = v.optional(v.pipe(numberOrText('seconds or a duration such as "5m"'), read(value.readSeconds)));
const octets = v.optional(v.pipe(numberOrText('a number of bytes or a size such as "25MB"'), read(value.readOctets)));
const duration = v.pipe(numberOrText('seconds or a duration such as "2h"'), read(value.readMilliseconds));
const SOME = 'more than nothing';
const someTime = v.optional(v.pipe(duration, v.minValue(1, SOME)));

const timeouts = {
  ...{ resolve: seconds, connect: seconds, greeting: seconds, ehlo: seconds, starttls: seconds, tls: seconds },
  ...{ auth: seconds, mail: seconds, rcpt: seconds, data: seconds, body: seconds, dot: seconds, rset: seconds },
  quit: seconds,
} satisfies Record<Stage, unknown>;

const rate = v.optional(v.pipe(line(value.RATE), read(value.readRate)));
const truth = v.optional(v.boolean('true or false'));

const tls = {
  level: oneOf(['none', 'may', 'encrypt', 'verify']),
  ca: v.optional(path('"system", "node" or the path of a PEM file')),
  min_version: oneOf(['TLSv1.2', 'TLSv1.3']),
  cert: file('a PEM file'),
  key: file('a PEM file'),
  fingerprints: v.optional(
    list(v.pipe(line('a SHA-256 fingerprint'), read(value.readFingerprint)), 'SHA-256 fingerprints'),
  ),
};

/** What all mail, the mail of a route and that of an account may each have. */
const VARIATION = {
  from: v.optional(v.pipe(line('an address'), read(value.readFromPattern))),
  from_mode: oneOf(['keep', 'envelope', 'force']),
  hostname: v.optional(v.pipe(line('a domain name'), read(value.readHostname))),
  source_address: several(v.pipe(line('an IP address'), read(value.readIp)), 'IP addresses'),
  ip: oneOf(['any', '4', '6', 'prefer-4', 'prefer-6']),
  proxy: v.optional(v.pipe(line('a URL'), read(value.readProxy))),
  dsn: truth,
  retry: v.optional(full(v.pipe(duration, v.minValue(1, SOME)), 'durations')),
  expire: someTime,
  delay_warning: v.optional(duration),
};

/** What a route and an account have in their own tables, and all mail elsewhere. */
const OWN = {
  ...VARIATION,
  rate,
  sessions: whole(1, 100),
  port: whole(1, 65_535),
  tls: maybe(tls),
  timeouts: maybe(timeouts),
};

const LOGIN = {
  auth: v.optional(v.pipe(line(value.MECHANISM), read(value.readMechanism))),
  password_file: file('a file with the password'),
  open_password_file: truth,
  password_command: v.optional(line('a command that prints the password')),
};

const endpoint = v.optional(v.pipe(line('an https:// URL'), read(value.readHttps)));
const oauth = {
  token_command: v.optional(line('a command that prints an access token')),
  provider: oneOf(['google', 'microsoft']),
  tenant: v.optional(v.pipe(line(value.TENANT), read(value.readTenant))),
  client_id: v.optional(line('the id of a client')),
  client_secret_file: file('a file with the secret of the client'),
  ...{ auth_url: endpoint, device_url: endpoint, token_url: endpoint },
  scope: v.optional(line('scopes with blanks between them')),
  flow: oneOf(['device', 'code', 'client']),
};

const globs = (reader: typeof value.readGlob) =>
  several(v.pipe(line('an address or a domain'), read(reader)), 'patterns of addresses');
const senders = globs(value.readSenderGlob);

const ACCOUNT = {
  url: v.optional(v.pipe(line(value.WAY), read(value.readUrl))),
  user: v.optional(line('the name to log in with')),
  ...LOGIN,
  oauth: maybe(oauth),
  sender: senders,
  ...OWN,
};

const UID = 'a user id';
// The last number of 32 bits stands for none.
const uid = v.pipe(v.number(UID), v.integer(UID), v.minValue(0, UID), v.maxValue(4_294_967_294, UID));
const ROUTE = {
  recipient: globs(value.readGlob),
  sender: senders,
  uid: several(uid, 'user ids'),
  via: several(v.pipe(line(value.WAY), read(value.readVia)), 'ways for mail'),
  ...OWN,
};

const ROOT = {
  domain: v.optional(v.pipe(line('a domain name'), read(value.readDomainName))),
  ...VARIATION,
  relay: v.optional(v.pipe(line(value.WAY), read(value.readUrl))),
  ...LOGIN,
  default_account: v.optional(line('the name of an account')),
  local: v.optional(v.pipe(line('"relay", "reject", "maildir:PATH" or another place here'), read(value.readLocal))),
  log: v.optional(path('the path of a file, "stderr", "syslog" or "none"')),
  aliases: v.optional(v.record(v.string(), line('targets, as in /etc/aliases'), 'a table of names and their targets')),
};

const TABLES = {
  dns: { servers: v.optional(full(v.pipe(line('an IP address'), read(value.readServer)), 'IP addresses')) },
  mx: { port: whole(1, 65_535), allow_local: truth },
  tls,
  timeouts,
  limits: {
    // More in one transaction than any server takes, and than one flight should hold.
    recipients: whole(1, 10_000),
    addresses: whole(1, 100),
    sessions: whole(1, 100),
    // Each is a socket or two.
    destinations: whole(1, 1000),
    message_size: octets,
    rate,
  },
  spool: { dir: file('a folder'), fsync: truth },
  drop: { senders: oneOf(['own', 'any']), messages: whole(1, 1_000_000), size: octets },
  runner: {
    linger: v.optional(duration),
    sessions: whole(1, 1000),
    destination_sessions: whole(1, 100),
    transactions: whole(1, 10_000),
  },
  bounce: { size: octets, digest: whole(0, 10_000) },
  sendmail: {
    lone_dot: oneOf(['classic', 'eof-only', 'ignore']),
    skip_empty: truth,
    repeat_window: v.optional(duration),
  },
};

const NAME = 'a name of letters, digits, ".", "-" and "_"';

export const SCHEMA = table({
  ...ROOT,
  dns: maybe(TABLES.dns),
  mx: maybe(TABLES.mx),
  tls: maybe(TABLES.tls),
  timeouts: maybe(TABLES.timeouts),
  limits: maybe(TABLES.limits),
  spool: maybe(TABLES.spool),
  drop: maybe(TABLES.drop),
  runner: maybe(TABLES.runner),
  bounce: maybe(TABLES.bounce),
  sendmail: maybe(TABLES.sendmail),
  account: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, NAME)), table(ACCOUNT), 'tables with names: [account.NAME]'),
  ),
  route: v.optional(v.array(table(ROUTE), 'a list of tables: [[route]]')),
});

/** Every key that holds a value, with its table: `mx.port`. */
export const KNOWN_KEYS = keysOf({ ...ROOT, ...TABLES, 'route.*': ROUTE, 'account.*': ACCOUNT }, { ...TABLES, oauth });

/** What a file says, by its own keys. */
export type FileSettings = v.InferOutput<typeof SCHEMA>;

/** A value that may not be as it is. */
export interface Fault {
  readonly path: readonly string[];
  /** What it must be. */
  readonly allowed: string;
  /** What it is, where that says more. */
  readonly found?: unknown;
}

/** Checks what the file holds; unknown keys are passed over, as `KNOWN_KEYS` is there to find them. */
export function checkFile(
  content: unknown,
): { readonly settings: FileSettings } | { readonly faults: readonly Fault[] } {
  const result = v.safeParse(SCHEMA, content, { abortPipeEarly: true });
  if (result.success) return { settings: result.output };
  return {
    faults: result.issues.map(({ path, message, input }) => ({
      path: path?.map(({ key }) => String(key)) ?? [],
      allowed: message,
      found: input,
    })),
  };
}
