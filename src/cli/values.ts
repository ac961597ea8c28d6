import { parseDuration } from '../config/duration.ts';
import { FINGERPRINT, parseFingerprint } from '../config/fingerprint.ts';
import type { TlsLevel } from '../config/settings.ts';
import { parseSize } from '../config/size.ts';
import type { Envelope, Notify } from '../mail/envelope.ts';
import { isMechanism, MECHANISM_NAMES, type MechanismName } from '../mail/mechanism.ts';
import { quoted } from '../mail/printable.ts';
import type { DeliveryMode } from '../submit/submit.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { OptionKey } from './options.ts';
import type { Given } from './program.ts';
import { type Manner, type Setting, settingOf } from './sendmail-settings.ts';

/** What one call of `posthaste send` asks for. */
export interface SendOptions {
  /** Each may be an address list. */
  readonly words: readonly string[];
  /** Absent: standard input. */
  readonly file?: string;
  readonly readRecipients: boolean;
  readonly fullName?: string;
  /** Octets. */
  readonly maxSize?: number;
  /** As given: an address, or empty or `<>` for the null sender. */
  readonly sender?: string;
  readonly notify?: Notify;
  readonly return?: NonNullable<Envelope['return']>;
  readonly envelopeId?: string;
  readonly relay?: string;
  readonly port?: number;
  readonly tls: {
    readonly level?: TlsLevel;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly fingerprints: readonly string[];
  };
  readonly requireTls: boolean;
  readonly auth?: MechanismName;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  /** The password is asked for on the terminal. */
  readonly askPassword: boolean;
  /** Milliseconds. */
  readonly retryFor: number;
  readonly mode: DeliveryMode;
  /** What is deferred is put into the spool. */
  readonly queue: boolean;
  /** As given. */
  readonly spool?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly log?: string;
  /** How often `-v` was given. */
  readonly verbose: number;
  readonly config?: string;
  /** Names of this host are looked up in the aliases. */
  readonly aliases: boolean;
  /** The relay's name in the configuration. */
  readonly account?: string;
  /** What POSTHASTE_FROM and POSTHASTE_HOSTNAME say. */
  readonly from?: string;
  readonly hostname?: string;
  /** The envelope's sender is the address in From, where there is one. */
  readonly headerSender: boolean;
  /** What syslog calls us. */
  readonly tag?: string;
  /** A message without a body is not sent. */
  readonly skipEmpty: boolean;
  /** How a sendmail treats the message; absent under our own name. */
  readonly sendmail?: Manner;
}

/** Reads the texts of the options. @throws {CommandError} with status 64 where one can't be what it should be. */
export function readValues(given: Given, words: readonly string[]): SendOptions {
  const last = (key: OptionKey): string | undefined => given.get(key)?.at(-1);
  const has = (key: OptionKey): boolean => given.has(key);
  if (has('relay') && has('port')) wrong('--port', last('port') ?? '', 'the port of a relay belongs in its URL');
  if (has('tlsKey') && !has('tlsCert')) wrong('--tls-key', last('tlsKey') ?? '', '--tls-cert is missing');
  if (has('tlsFingerprint') && last('tls')?.toLowerCase() === 'none') {
    wrong('--tls-fingerprint', last('tlsFingerprint') ?? '', '--tls none leaves no certificate to check');
  }
  if (has('passwordFile') && has('passwordCommand')) {
    wrong('--password-command', '', '--password-file is given too');
  }
  if (has('askPassword') && (has('passwordFile') || has('passwordCommand'))) {
    wrong('--ask-password', '', 'the place of the password is given too');
  }
  const settings = settingsOf(given);
  const mode = settings.mode ?? 'interactive';
  if (has('noQueue') && mode !== 'interactive') wrong('--no-queue', '', `-od${mode.charAt(0)} needs the queue`);
  const file = last('file');
  return {
    words,
    ...when(file === '-' ? undefined : file, (text) => ({ file: filled('--file', text) })),
    readRecipients: has('readRecipients'),
    ...when(last('fullName'), (fullName) => ({ fullName })),
    ...when(last('maxSize'), (text) => ({ maxSize: readSize(text) })),
    ...when(last('sender'), (sender) => ({ sender })),
    ...when(last('notify'), (text) => ({ notify: readNotify(text) })),
    ...when(last('return'), (text) => ({ return: readReturn(text) })),
    ...when(last('envelopeId'), (text) => ({ envelopeId: readEnvelopeId(text) })),
    ...when(last('relay'), (text) => ({ relay: filled('--relay', text) })),
    ...when(last('port'), (text) => ({ port: readPort(text) })),
    tls: {
      ...when(last('tls'), (text) => ({ level: readLevel(text) })),
      ...when(last('tlsCa'), (text) => ({ ca: filled('--tls-ca', text) })),
      ...when(last('tlsCert'), (text) => ({ cert: filled('--tls-cert', text) })),
      ...when(last('tlsKey'), (text) => ({ key: filled('--tls-key', text) })),
      fingerprints: (given.get('tlsFingerprint') ?? []).map(readFingerprint),
    },
    requireTls: has('requireTls') || settings.requireTls === true,
    ...when(last('auth'), (text) => ({ auth: readMechanism(text) })),
    ...when(last('passwordFile'), (text) => ({ passwordFile: filled('--password-file', text) })),
    askPassword: has('askPassword'),
    ...when(last('passwordCommand'), (text) => ({ passwordCommand: filled('--password-command', text) })),
    retryFor: has('retryFor') ? readRetryFor(last('retryFor') ?? '') : 0,
    mode,
    queue: !has('noQueue'),
    ...when(last('spool'), (text) => ({ spool: filled('--spool', text) })),
    dryRun: has('dryRun'),
    json: has('json'),
    ...when(last('log'), (text) => ({ log: filled('--log', text) })),
    verbose: given.get('verbose')?.length ?? 0,
    aliases: !has('noAliases'),
    ...when(last('account'), (text) => ({ account: filled('--account', text) })),
    ...when(last('tag'), (text) => ({ tag: readTag(text) })),
    headerSender: has('headerSender'),
    skipEmpty: has('skipEmpty'),
    ...when(last('config'), (text) => ({ config: filled('--config', text) })),
  };
}

const MODES = { i: 'interactive', b: 'background', q: 'queue' } as const;

/** What `-o` and `-O` say; most of it is for other programs. */
function settingsOf(given: Given): { readonly mode?: DeliveryMode; readonly requireTls?: boolean } {
  const short = (given.get('compatible') ?? []).map((value) => settingOf({ name: 'o', value }));
  const long = (given.get('setting') ?? []).map((value) => settingOf({ name: 'O', value }));
  const { mode, requireTls }: Setting = Object.assign({}, ...short, ...long);
  return {
    ...(mode === undefined ? {} : { mode: MODES[mode] }),
    ...(requireTls === undefined ? {} : { requireTls }),
  };
}

/** The members made from a text, or none where it was not given. */
const when = <T extends object>(text: string | undefined, make: (text: string) => T): Partial<T> =>
  text === undefined ? {} : make(text);

function wrong(option: string, text: string, why: string): never {
  const shown = text === '' && why !== EMPTY ? option : `${option} ${quoted(text)}`;
  throw new CommandError(`Cannot use ${shown}: ${why}`, EXIT.usage);
}

const EMPTY = 'it is empty';
const filled = (option: string, text: string): string => (text === '' ? wrong(option, text, EMPTY) : text);

/** `0` is no limit, as in the configuration. */
const readSize = (text: string): number =>
  parseSize(text) ?? wrong('--max-size', text, 'a size is a number of bytes, or one with K, M or G');

export function readNotify(text: string): Notify {
  const words = text.toLowerCase().split(/[\s,]+/);
  if (words.length === 1 && words[0] === 'never') return 'never';
  const chosen = (['success', 'failure', 'delay'] as const).filter((word) => words.includes(word));
  if (chosen.length !== new Set(words).size) {
    return wrong('-N', text, 'it is never, or a list of success, failure, delay');
  }
  return chosen;
}

export function readReturn(text: string): NonNullable<Envelope['return']> {
  const word = text.toLowerCase();
  if (word === 'full') return 'full';
  return word === 'hdrs' || word === 'headers' ? 'headers' : wrong('-R', text, 'it is full or hdrs');
}

/** RFC 3461, section 4.4: at most 100 characters of printable ASCII. */
const readEnvelopeId = (text: string): string =>
  /^[!-~]{1,100}$/.test(text) ? text : wrong('-V', text, 'it is 1 to 100 printable ASCII characters without blanks');

/** Names of programs in a log have no blanks; 48 octets are what RFC 5424 allows one. */
const readTag = (text: string): string => text.replace(/[^!-~]/g, '_').slice(0, 48) || 'posthaste';

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : wrong('--port', text, 'a port is a number from 1 to 65535');
}

export const LEVELS: readonly TlsLevel[] = ['none', 'may', 'encrypt', 'verify'];

const readLevel = (text: string): TlsLevel =>
  LEVELS.find((level) => level === text.toLowerCase()) ?? wrong('--tls', text, `it is ${LEVELS.join(', ')}`);

const readFingerprint = (text: string): string =>
  parseFingerprint(text) ?? wrong('--tls-fingerprint', text, `it is a SHA-256 fingerprint: ${FINGERPRINT}`);

function readMechanism(text: string): MechanismName {
  const name = text.toUpperCase();
  return isMechanism(name) ? name : wrong('--auth', text, `it is ${MECHANISM_NAMES.join(', ')}`);
}

const readRetryFor = (text: string): number =>
  parseDuration(text) ?? wrong('--retry-for', text, 'a duration is like 90s, 10m, 2h or 1h30m');
