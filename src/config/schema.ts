import * as v from 'valibot';
import type { Stage } from '../mail/result.ts';
import {
  RATE,
  type Reading,
  readDomainName,
  readFingerprint,
  readHostname,
  readMilliseconds,
  readOctets,
  readRate,
  readSeconds,
  readServer,
} from './values.ts';

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

const list = <T extends v.GenericSchema>(element: T, what: string) => v.array(element, `a list of ${what}`);

const file = (what: string) => v.optional(line(`the path of ${what}`));

const seconds = v.optional(
  v.pipe(v.union([v.number(), v.string()], 'seconds or a duration such as "5m"'), read(readSeconds)),
);

const octets = v.optional(
  v.pipe(v.union([v.number(), v.string()], 'a number of bytes or a size such as "25MB"'), read(readOctets)),
);

const duration = v.pipe(
  v.union([v.number(), v.string()], 'seconds or a duration such as "2h"'),
  read(readMilliseconds),
);
const SOME = 'more than nothing';
const someTime = v.optional(v.pipe(duration, v.minValue(1, SOME)));

const timeouts = {
  resolve: seconds,
  connect: seconds,
  greeting: seconds,
  ehlo: seconds,
  starttls: seconds,
  tls: seconds,
  auth: seconds,
  mail: seconds,
  rcpt: seconds,
  data: seconds,
  body: seconds,
  dot: seconds,
  rset: seconds,
  quit: seconds,
} satisfies Record<Stage, unknown>;

const ROOT = {
  domain: v.optional(v.pipe(line('a domain name'), read(readDomainName))),
  hostname: v.optional(v.pipe(line('a domain name'), read(readHostname))),
  log: v.optional(line('the path of a file, "stderr", "syslog" or "none"')),
  retry: v.optional(
    v.pipe(list(v.pipe(duration, v.minValue(1, SOME)), 'durations'), v.minLength(1, 'a list of at least one duration')),
  ),
  expire: someTime,
  delay_warning: v.optional(duration),
  aliases: v.optional(v.record(v.string(), line('targets, as in /etc/aliases'), 'a table of names and their targets')),
};

const TABLES = {
  dns: {
    servers: v.optional(
      v.pipe(
        list(v.pipe(line('an IP address'), read(readServer)), 'IP addresses'),
        v.minLength(1, 'a list of at least one IP address'),
      ),
    ),
  },
  mx: { port: whole(1, 65_535), allow_local: v.optional(v.boolean('true or false')) },
  tls: {
    level: oneOf(['none', 'may', 'encrypt', 'verify']),
    ca: v.optional(line('"system", "node" or the path of a PEM file')),
    min_version: oneOf(['TLSv1.2', 'TLSv1.3']),
    cert: file('a PEM file'),
    key: file('a PEM file'),
    fingerprints: v.optional(
      list(v.pipe(line('a SHA-256 fingerprint'), read(readFingerprint)), 'SHA-256 fingerprints'),
    ),
  },
  timeouts,
  limits: {
    // More in one transaction than any server takes, and than one flight should hold.
    recipients: whole(1, 10_000),
    addresses: whole(1, 100),
    sessions: whole(1, 100),
    // Each is a socket or two.
    destinations: whole(1, 1000),
    message_size: octets,
    rate: v.optional(v.pipe(line(RATE), read(readRate))),
  },
  spool: { dir: file('a folder'), fsync: v.optional(v.boolean('true or false')) },
  drop: { senders: oneOf(['own', 'any']), messages: whole(1, 1_000_000), size: octets },
  runner: {
    linger: v.optional(duration),
    sessions: whole(1, 1000),
    destination_sessions: whole(1, 100),
    transactions: whole(1, 10_000),
  },
  bounce: { size: octets, digest: whole(0, 10_000) },
};

const SCHEMA = table({
  ...ROOT,
  dns: v.optional(table(TABLES.dns)),
  mx: v.optional(table(TABLES.mx)),
  tls: v.optional(table(TABLES.tls)),
  timeouts: v.optional(table(TABLES.timeouts)),
  limits: v.optional(table(TABLES.limits)),
  spool: v.optional(table(TABLES.spool)),
  drop: v.optional(table(TABLES.drop)),
  runner: v.optional(table(TABLES.runner)),
  bounce: v.optional(table(TABLES.bounce)),
});

/** Every key that holds a value, with its table: `mx.port`. */
export const KNOWN_KEYS: readonly string[] = [
  ...Object.keys(ROOT),
  ...Object.entries(TABLES).flatMap(([name, keys]) => Object.keys(keys).map((key) => `${name}.${key}`)),
];

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
