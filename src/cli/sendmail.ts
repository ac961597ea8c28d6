import { quoted } from '../mail/printable.ts';
import { VERSION } from '../version.ts';
import { type Flag, getopt } from './getopt.ts';
import type { OptionKey } from './options.ts';
import { type CommandLine, readCommandLine, sendHelp } from './program.ts';
import { GRAMMAR, mannerOf } from './sendmail-flags.ts';
import { type Manner, settingOf } from './sendmail-settings.ts';
import { renamed, speaking } from './sendmail-voice.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What a call by the name of sendmail, send-mail, mailq, newaliases or runq asks for, in the words of our own commands:
 * a message to send (`cli/values` reads the same options as for `posthaste send`), a command for the queue, or nothing.
 *
 * Callers that were written for another sendmail must never notice. So every spelling that one of them knows is taken,
 * and most have no effect; but a letter nobody knows is refused (64), since its value would become a recipient. Delivery
 * is in the background unless `-odi`, `-odq` or `-v` says otherwise: a caller waits for our end, not for a slow server.
 */
export type SendmailCall =
  | SendmailAct
  /** The words of `posthaste queue`. */
  | { readonly kind: 'queue'; readonly words: readonly string[] }
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

/** What takes the options of a message: sending, `-bs`, `-bv` and `-bi`. */
export interface SendmailAct {
  readonly kind: 'sendmail';
  readonly act: 'send' | 'smtp' | 'verify' | 'aliases';
  readonly given: ReadonlyMap<OptionKey, readonly string[]>;
  readonly words: readonly string[];
  readonly manner: Manner;
}

/** The names of programs that behave as sendmail does. */
const BEHAVES_AS: Readonly<Record<string, readonly string[]>> = {
  sendmail: [],
  'send-mail': [],
  mailq: ['-bp'],
  newaliases: ['-bi'],
  runq: ['-q'],
  hoststat: ['-bh'],
  purgestat: ['-bH'],
};

export const isSendmailName = (name: string): boolean => Object.hasOwn(BEHAVES_AS, name);

/**
 * Where the name that we were called by is one of sendmail's, what we say begins with it, and nobody is asked to unlock
 * a keyring: programs call us so, and wait.
 */
export const speakingAs = (name: string, around: Surroundings): Surroundings =>
  isSendmailName(name) ? speaking(withoutKeyring(around), renamed(around.stderr, name)) : around;

const withoutKeyring = (around: Surroundings): Surroundings => ({
  ...around,
  findSecret: ({ login, ...request }) =>
    around.findSecret(login === undefined ? request : { ...request, login: { ...login, keyring: false } }),
});

/** The call as a command line of ours, by whatever name. Never throws for what a caller typed. */
export function readCall(name: string, words: readonly string[]): CommandLine {
  if (!isSendmailName(name)) return readCommandLine(words);
  const call = readSendmail(name, words);
  switch (call.kind) {
    case 'help':
      return { kind: 'print', text: sendHelp() };
    case 'version':
      return { kind: 'print', text: `posthaste ${VERSION}\n` };
    case 'sendmail':
    case 'queue':
    case 'wrong':
    case 'print':
      return call;
  }
}

/** Reads a call of sendmail; `name` is what the program was called by. Never throws for what a caller typed. */
export function readSendmail(name: string, words: readonly string[]): SendmailCall {
  const unsafe = words.find((word) => /[\r\n\0]/.test(word));
  if (unsafe !== undefined) return wrong(`CR, LF or NUL in ${quoted(unsafe)}`);
  if (words.includes('-help') || words.at(-1) === '-h') return { kind: 'help' };
  if (words.some((word) => word === '-version')) return { kind: 'version' };
  const options = getopt([...(BEHAVES_AS[name] ?? []), ...words], GRAMMAR);
  if ('wrong' in options) return wrong(options.wrong);
  const { flags, operands } = options;
  const has = (letter: string): boolean => flags.some((flag) => flag.name === letter);
  if (has('help')) return { kind: 'help' };
  if (has('version')) return { kind: 'version' };
  // Sendmail's `-h 17` counts hops; people's `-h` asks for help.
  if (flags.some((flag) => flag.name === 'h' && !/^\d+$/.test(flag.value))) return { kind: 'help' };
  const act = flags.filter((flag) => flag.name === 'b' || flag.name === 'I').at(-1);
  const mode = act?.name === 'I' ? 'i' : (act?.value ?? 'm');
  if (mode === 'D') return { kind: 'queue', words: ['run', '--forever'] };
  if (has('q') && /^[mq]$/.test(mode)) {
    // A message that nobody takes must not look sent; Postfix refuses it, too.
    if (operands.length > 0 || has('t'))
      return wrong('-q runs the queue and takes no message: recipients are too many');
    return readQueueRun(flags.filter((flag) => flag.name === 'q'));
  }
  return act === undefined ? readSend({ name, flags, operands }) : readAct(mode, { name, flags, operands });
}

const wrong = (reason: string): SendmailCall => ({ kind: 'wrong', text: `Cannot read command line: ${reason}` });

const NO_HOST_STATUS = 'No host status is kept. What was last heard of a host stands beside each recipient in mailq.\n';

interface Words {
  /** What the program was called by. */
  readonly name: string;
  readonly flags: readonly Flag[];
  readonly operands: readonly string[];
}

/** `-bX`. */
function readAct(mode: string, words: Words): SendmailCall {
  switch (mode) {
    case 'm':
      return readSend(words);
    case 'q':
      return readSend({ ...words, flags: [...words.flags, { name: 'o', value: 'dq' }] });
    case 'p':
      return { kind: 'queue', words: ['list'] };
    case 'P':
      return { kind: 'queue', words: ['list', '--count'] };
    case 'V':
      return { kind: 'version' };
    case 's':
    case 'a':
      return { ...readSend(words), act: 'smtp' };
    case 'v':
      return { ...readSend(words), act: 'verify' };
    case 'i':
      return { ...readSend(words), act: 'aliases' };
    case 'h':
    case 'H':
      return { kind: 'print', text: NO_HOST_STATUS };
    case 't':
      return wrong('-bt: there is no test mode; -bv shows what becomes of an address');
    case 'd':
    case 'l':
      return wrong(`-b${mode}: there is no daemon that listens; -bD runs the queue in the foreground`);
    default:
      return wrong(`-b${mode} is not supported`);
  }
}

/** `-q`, `-qf`, `-q30m`, `-qIid`, `-qRtext`, `-qStext`; several are one run. */
function readQueueRun(flags: readonly Flag[]): SendmailCall {
  const words = ['run'];
  for (const { value } of flags) {
    const [, letter = '', text = ''] = /^([IRS])(.+)$/s.exec(value) ?? [];
    const option = { I: '--id', R: '--to', S: '--from' }[letter];
    if (option !== undefined) words.push(`${option}=${text}`);
    else if (/^p?(?:\d+[smhdw]?)+$/.test(value)) return wrong(`-q${value} needs -bD, which stays in the foreground`);
    else if (!/^(?:[fq]*|[GLQ].*)$/.test(value)) return wrong(`-q${value} is not supported`);
  }
  return { kind: 'queue', words };
}

/** The options of ours that sendmail's have a counterpart in. */
const COUNTERPARTS: Readonly<Record<string, OptionKey>> = {
  t: 'readRecipients',
  'read-recipients': 'readRecipients',
  f: 'sender',
  r: 'sender',
  from: 'sender',
  F: 'fullName',
  B: 'bodyType',
  N: 'notify',
  R: 'return',
  V: 'envelopeId',
  v: 'verbose',
  n: 'noAliases',
  L: 'tag',
  a: 'account',
  account: 'account',
  'read-envelope-from': 'headerSender',
  'skip-empty': 'skipEmpty',
};

function readSend({ name, flags, operands }: Words): SendmailAct {
  const given = new Map<OptionKey, readonly string[]>();
  const add = (key: OptionKey, value: string): void => {
    given.set(key, [...(given.get(key) ?? []), value]);
  };
  add('compatible', flags.some((flag) => flag.name === 'v') ? 'di' : 'db');
  for (const flag of flags) {
    const key = COUNTERPARTS[flag.name];
    if (key !== undefined) add(key, flag.value);
    const { mode, requireTls } = settingOf(flag);
    if (mode !== undefined) add('compatible', `d${mode}`);
    if (requireTls !== undefined) given.delete('requireTls');
    if (requireTls === true) add('requireTls', '');
  }
  return { kind: 'sendmail', act: 'send', given, words: operands, manner: mannerOf(name, flags) };
}
