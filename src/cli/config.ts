import { quoted } from '../mail/printable.ts';
import { CONFIG_COMMANDS, type ConfigCommandName, type ConfigKey, isConfigCommand } from './config-options.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { type Form, type GivenOf, readWords, type Words } from './program.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * `posthaste config …`: what the configuration is, whether it is right, and how to begin one. This file reads the words;
 * what each command does is in a file of its own, loaded when it is called. `import` has a form of its own.
 */

/** A call of one of the commands. */
export interface ConfigCall {
  readonly given: GivenOf<ConfigKey>;
  readonly words: readonly string[];
  readonly around: Surroundings;
}

/** @throws {CommandError} and other errors that `cli/trouble` knows */
export async function runConfig(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  if (words[0] === 'import') return (await import('./config-import.ts')).runConfigImport(words.slice(1), around);
  const read = readConfigWords(words);
  switch (read.kind) {
    case 'print':
      around.stdout.write(read.text);
      return EXIT.ok;
    case 'wrong':
      throw new CommandError(read.text, EXIT.usage);
    case 'given':
      return COMMANDS[read.name]({ given: read.given, words: read.words, around });
  }
}

type Named = Words<ConfigKey> & { readonly kind: 'given'; readonly name: ConfigCommandName };
export type ConfigWords = Named | { readonly kind: 'print' | 'wrong'; readonly text: string };

/** The words behind `posthaste config`, by the form of their command. Never throws for what a caller typed. */
export function readConfigWords(words: readonly string[]): ConfigWords {
  const [first = '--help', ...rest] = words;
  if (first === '-h' || first === '--help' || first === 'help') return { kind: 'print', text: overview() };
  const known = [...Object.keys(CONFIG_COMMANDS), 'import'].join(', ');
  if (!isConfigCommand(first)) return wrong(`unknown command ${quoted(first)}, known are ${known}`);
  const read = readWords(formOf(first), rest);
  if (read.kind !== 'given') return read;
  const surplus = read.words[CONFIG_COMMANDS[first].operands === 'none' ? 0 : 1];
  return surplus === undefined ? { ...read, name: first } : wrong(`${first} takes no ${quoted(surplus)}`);
}

const wrong = (reason: string): ConfigWords => ({ kind: 'wrong', text: `Cannot read command line: ${reason}` });

const overview = (): string =>
  [
    'Usage: posthaste config command [options]',
    '',
    'What the configuration is, whether it is right, and how to begin one.',
    '',
    ...Object.entries(CONFIG_COMMANDS).map(([name, { text }]) => `  ${name.padEnd(8)} ${text}`),
    '  import   what the configuration of msmtp, ssmtp, nullmailer or dma is in ours',
    '',
    'Each command has its own --help. See posthaste(1) and posthaste.toml(5).',
    '',
  ].join('\n');

function formOf(name: ConfigCommandName): Form<ConfigKey> {
  const { text, operands, rows } = CONFIG_COMMANDS[name];
  return {
    usage: `config ${name}${rows.length === 0 ? '' : ' [options]'}${operands === 'file' ? ' [file]' : ''}`,
    description: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    operands: '[file...]',
    rows,
  };
}

type Command = (call: ConfigCall) => Promise<ExitCode>;

const COMMANDS: Readonly<Record<ConfigCommandName, Command>> = {
  check: async (call) => (await import('./config-check.ts')).checkConfig(call),
  show: async (call) => (await import('./config-show.ts')).showConfig(call),
  path: async (call) => (await import('./config-path.ts')).showConfigPlaces(call),
  init: async (call) => (await import('./config-init.ts')).initConfig(call),
  async schema({ around }) {
    const { fileSchema } = await import('../config/json-schema.ts');
    around.stdout.write(`${JSON.stringify(fileSchema(), undefined, 2)}\n`);
    return EXIT.ok;
  },
};
