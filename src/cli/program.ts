import { Command, CommanderError, Option } from 'commander';
import { quoted } from '../mail/printable.ts';
import { VERSION } from '../version.ts';
import { OPTIONS, type OptionKey } from './options.ts';

/**
 * The command line of `posthaste`, read with commander (its only importer): which options were given with which texts,
 * and which words are recipients. Nothing is judged here but the form; `cli/values` reads the texts.
 */
export type CommandLine =
  | { readonly kind: 'send'; readonly given: Given; readonly words: readonly string[] }
  /** `--help` and `--version`. */
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

/** The texts given for each option, in order; a flag without a value has an empty text. */
export type Given = ReadonlyMap<OptionKey, readonly string[]>;

const DESCRIPTION =
  'Sends the message on standard input to each recipient’s mail servers, or through a relay,\n' +
  'and says what became of each recipient. Silent when all is well.';

const EPILOGUE = `
An argument with an @ is always a recipient; several may stand in one argument, separated by commas.
Exit status: 0 all delivered, 64 usage, 65 bad message or address, 67 user unknown, 68 host unknown,
69 refused, 75 deferred and not stored, 77 login refused, 78 configuration. See posthaste(1).

  printf 'Subject: hi\\n\\nhello\\n' | posthaste ann@example.org bob@example.net`;

const HELP_WIDTH = 100;

/** Reads the words after the command's name. Never throws for what a caller typed. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const unsafe = words.find((word) => /[\r\n\0]/.test(word));
  if (unsafe !== undefined) {
    return { kind: 'wrong', text: `Cannot read command line: CR, LF or NUL in ${quoted(unsafe)}` };
  }
  const rest = words[0] === 'send' ? words.slice(1) : words;
  const given = new Map<OptionKey, string[]>();
  let printed = '';
  const command = build(given).configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => HELP_WIDTH,
    getOutHasColors: () => false,
  });
  try {
    command.parse(rest[0] === 'help' ? ['--help'] : rest, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed };
    return { kind: 'wrong', text: `Cannot read command line: ${reason(error)}` };
  }
  return { kind: 'send', given, words: command.args };
}

function build(given: Map<OptionKey, string[]>): Command {
  const command = new Command('posthaste')
    .usage('[send] [options] recipient…')
    .description(DESCRIPTION)
    .argument('[recipient...]')
    .exitOverride()
    .showSuggestionAfterError()
    .helpOption('-h, --help', 'print this help')
    .version(`posthaste ${VERSION}`, '--version', 'print the version')
    .addHelpText('after', EPILOGUE);
  for (const row of OPTIONS) {
    const option = new Option(row.flags, row.text).helpGroup(`${row.group}:`);
    command.addOption(option);
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
