import { Command, CommanderError, Option } from 'commander';
import { quoted } from '../mail/printable.ts';
import { VERSION } from '../version.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { OPTIONS, type OptionKey } from './options.ts';
import type { SendmailAct } from './sendmail.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * The command line of `posthaste`, read with commander (its only importer): which options were given with which texts,
 * and which words are recipients. Nothing is judged here but the form; `cli/values` reads the texts. The words of the
 * other commands are left to them: they are loaded only when they are called.
 */
export type CommandLine =
  | { readonly kind: 'send'; readonly given: Given; readonly words: readonly string[] }
  | SendmailAct
  | { readonly kind: OtherCommand; readonly words: readonly string[] }
  /** `--help` and `--version`. */
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

export type OtherCommand = 'queue' | 'install' | 'explain' | 'login' | 'logout' | 'config' | 'doctor';

const OTHER_COMMANDS: readonly OtherCommand[] = ['queue', 'install', 'explain', 'login', 'logout', 'config', 'doctor'];

/** The texts given for each option, in order; a flag without a value has an empty text. */
export type Given = GivenOf<OptionKey>;
export type GivenOf<K> = ReadonlyMap<K, readonly string[]>;

/** What a command takes. */
export interface Form<K> {
  /** What stands behind `posthaste` in the first line of the help. */
  readonly usage: string;
  readonly description: string;
  /** As commander declares it: `[recipient...]`. */
  readonly operands: string;
  readonly rows: readonly FormRow<K>[];
  readonly epilogue?: string;
}

export interface FormRow<K> {
  readonly key: K;
  readonly flags: string;
  readonly text: string;
  readonly group?: string;
  readonly hidden?: true;
}

export type Words<K> =
  | { readonly kind: 'given'; readonly given: GivenOf<K>; readonly words: readonly string[] }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

const SEND: Form<OptionKey> = {
  usage: '[send] [options] recipient…',
  description:
    'Sends the message on standard input to each recipient’s mail servers, or through a relay,\n' +
    'and says what became of each recipient. Silent when all is well.',
  operands: '[recipient...]',
  rows: OPTIONS,
  epilogue: `
Other commands, each with --help:
  posthaste queue      see and steer what waits for another attempt
  posthaste install    have the queue run by systemd or cron
  posthaste explain    say which way mail for an address would go, and why
  posthaste doctor     say what would stop mail from here to there
  posthaste login      log in to an account with OAuth 2.0, and logout
  posthaste config     what the configuration is, and whether it is right

An argument with an @ is always a recipient; several may stand in one argument, separated by commas.
Exit status: 0 all delivered or in the queue, 64 usage, 65 bad message or address,
67 user unknown, 68 host unknown, 69 refused, 75 deferred and not stored, 77 login refused,
78 configuration. See posthaste(1).

  printf 'Subject: hi\\n\\nhello\\n' | posthaste ann@example.org bob@example.net`,
};

const HELP_WIDTH = 100;

/** Reads the words after the command's name. Never throws for what a caller typed. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const [first] = words;
  const other = OTHER_COMMANDS.find((name) => name === first);
  if (other !== undefined) return { kind: other, words: words.slice(1) };
  const rest = first === 'send' ? words.slice(1) : words;
  const read = readWords(SEND, rest[0] === 'help' ? ['--help'] : rest);
  if (read.kind !== 'given') return read;
  const late = first === 'send' || words.includes('--') ? undefined : lateCommand(read.words);
  if (late === undefined) return { ...read, kind: 'send' };
  const text = `${quoted(late)} would be a recipient behind options: a command stands first, and a user is ${late}@localhost`;
  return { kind: 'wrong', text: `Cannot read command line: ${text}` };
}

/** Other programs take options before their command; nobody means to send mail to it. */
const lateCommand = ([first]: readonly string[]): string | undefined => OTHER_COMMANDS.find((name) => name === first);

/** The help of `posthaste` itself. */
export function sendHelp(): string {
  const read = readWords(SEND, ['--help']);
  return read.kind === 'print' ? read.text : '';
}

/** Reads words by a form. Never throws for what a caller typed. */
export function readWords<K>(form: Form<K>, words: readonly string[]): Words<K> {
  const unsafe = words.find((word) => /[\r\n\0]/.test(word));
  if (unsafe !== undefined) {
    return { kind: 'wrong', text: `Cannot read command line: CR, LF or NUL in ${quoted(unsafe)}` };
  }
  const given = new Map<K, string[]>();
  let printed = '';
  const command = build(form, given).configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => HELP_WIDTH,
    getOutHasColors: () => false,
  });
  try {
    command.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed };
    return { kind: 'wrong', text: `Cannot read command line: ${reason(error)}` };
  }
  return { kind: 'given', given, words: command.args };
}

/** The words by a form; undefined where its help was asked for, and printed. @throws {CommandError} */
export function readForm<K>(
  form: Form<K>,
  words: readonly string[],
  { stdout }: Pick<Surroundings, 'stdout'>,
): Extract<Words<K>, { kind: 'given' }> | undefined {
  const read = readWords(form, words);
  switch (read.kind) {
    case 'print':
      stdout.write(read.text);
      return undefined;
    case 'wrong':
      throw new CommandError(read.text, EXIT.usage);
    case 'given':
      return read;
  }
}

function build<K>(form: Form<K>, given: Map<K, string[]>): Command {
  const command = new Command('posthaste')
    .usage(form.usage)
    .description(form.description)
    .argument(form.operands)
    .exitOverride()
    .showSuggestionAfterError()
    .helpOption('-h, --help', 'print this help')
    .version(`posthaste ${VERSION}`, '--version', 'print the version');
  if (form.epilogue !== undefined) command.addHelpText('after', form.epilogue);
  for (const row of form.rows) {
    const option = new Option(row.flags, row.text);
    if (row.group !== undefined) option.helpGroup(`${row.group}:`);
    command.addOption(row.hidden === true ? option.hideHelp() : option);
    command.on(`option:${option.name()}`, (text: string | null | undefined) => {
      given.set(row.key, [...(given.get(row.key) ?? []), text ?? '']);
    });
  }
  return command;
}

/** commander's own words on one line, without its prefix: `unknown option '--jsn' (Did you mean --json?)`. */
const reason = (error: CommanderError): string =>
  error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim();
