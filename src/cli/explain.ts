import { EXIT, type ExitCode } from './exit.ts';
import { explanationLines } from './explain-text.ts';
import { explainAddresses } from './explain-walk.ts';
import { CommandError } from './failure.ts';
import { printJson } from './json.ts';
import type { OptionKey } from './options.ts';
import { type Form, type FormRow, readForm } from './program.ts';
import type { Surroundings } from './surroundings.ts';
import { readValues, type SendOptions } from './values.ts';

/** `posthaste explain`: which way mail for an address would go, and why. Nothing is sent, and no server is spoken to. */

type ExplainKey = Extract<OptionKey, 'sender' | 'relay' | 'account' | 'config' | 'noAliases' | 'json'> | 'uid';

const row = (key: ExplainKey, flags: string, text: string): FormRow<ExplainKey> => ({ key, flags, text });

export const EXPLAIN_OPTIONS: readonly FormRow<ExplainKey>[] = [
  row('sender', '-f, --from <address>', 'who the mail would be from'),
  row('uid', '--uid <number>', 'the user who would send it'),
  row('account', '-a, --account <name>', 'through this account of the configuration'),
  row('relay', '--relay <url>', 'through this server'),
  row('noAliases', '-n', 'leave the names of this host: no aliases'),
  row('json', '--json', 'print one JSON object'),
  row('config', '--config <file>', 'read this configuration file'),
];

const FORM: Form<ExplainKey> = {
  usage: 'explain [options] address…',
  description:
    'Says which way mail for each address would go, and why: aliases, route, sender, hosts, TLS, login, limits.\n' +
    'Nothing is sent, no mail server is connected to, no password is read. Status 0: nothing is known to stop it.',
  operands: '[address...]',
  rows: EXPLAIN_OPTIONS,
};

/** @throws {CommandError} */
export async function runExplain(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readForm(FORM, words, around);
  if (read === undefined) return EXIT.ok;
  if (read.words.length === 0) throw new CommandError('Cannot explain: no address was given', EXIT.usage);
  const uid = read.given.get('uid')?.at(-1);
  const given = new Map([...read.given].flatMap(([key, texts]) => (key === 'uid' ? [] : [[key, texts] as const])));
  return showExplanation(readValues(given, read.words), around, uid === undefined ? undefined : readUid(uid));
}

/** Prints what becomes of the words' addresses. @throws {CommandError} */
export async function showExplanation(options: SendOptions, around: Surroundings, uid?: number): Promise<ExitCode> {
  const explanation = await explainAddresses(options, around, uid);
  around.stdout.write(options.json ? printJson(explanation) : explanationLines(explanation).join('\n').concat('\n'));
  return explanation.exit;
}

/** Linux has user ids of 32 bits, of which the last one means none. */
function readUid(text: string): number {
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (uid < 4_294_967_295) return uid;
  throw new CommandError(`Cannot use --uid ${JSON.stringify(text.slice(0, 80))}: a user id is a number`, EXIT.usage);
}
