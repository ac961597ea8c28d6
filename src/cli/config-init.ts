import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFromPattern } from '../config/values.ts';
import { parseVia } from '../config/via.ts';
import { quoted } from '../mail/printable.ts';
import { systemDisk, unlessMissing } from '../queue/disk.ts';
import type { ConfigCall } from './config.ts';
import { ask, type Question } from './config-ask.ts';
import { type Beginning, beginningText } from './config-text.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { SYSTEM, userConfig } from './layers.ts';
import { wordsOf } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * `posthaste config init`: a file to begin with, made of a few answers or of `--relay`. What is written is read first as
 * a send would read it, so that it is right. A file that is there is never written over unasked.
 */

/** @throws {CommandError} @throws {SecretError} where the file with the password can't be used */
export async function initConfig({ given, around }: ConfigCall): Promise<ExitCode> {
  if (given.has('user') && given.has('system')) {
    throw new CommandError('Cannot write configuration: say either --user or --system', EXIT.usage);
  }
  const isSystem = given.has('system') || (!given.has('user') && around.surface.userId() === 0);
  const file = isSystem ? join(SYSTEM, 'config.toml') : userConfig(around);
  if (file === undefined)
    throw new CommandError('Cannot write configuration: you have no home folder', EXIT.cantCreate);
  if (isThere(file) && !given.has('force')) {
    throw new CommandError(`Cannot write ${quoted(file)}: it is there; --force replaces it`, EXIT.cantCreate);
  }
  const last = (key: 'relay' | 'from' | 'passwordFile') => given.get(key)?.at(-1);
  const relay = last('relay');
  if (relay === undefined && !(await around.isTyped())) {
    throw new CommandError('Cannot write configuration: name --relay, as nobody is here to be asked', EXIT.usage);
  }
  const answers = relay === undefined ? await askAll(around) : readGiven({ relay, from: last('from') });
  const passwordFile = last('passwordFile') ?? answers.passwordFile;
  const beginning = { ...answers, ...(passwordFile && { passwordFile: resolve(around.cwd(), passwordFile) }) };
  await write({ file, beginning, isSystem }, around);
  around.stdout.write(`wrote ${file}\n`);
  return EXIT.ok;
}

function isThere(file: string): boolean {
  try {
    return unlessMissing(() => systemDisk.lstat(file)) !== undefined;
  } catch (error) {
    throw new CommandError(`Cannot write ${quoted(file)}: ${wordsOf(error)}`, EXIT.cantCreate, { cause: error });
  }
}

function readGiven({ relay, from }: { readonly relay: string; readonly from: string | undefined }): Beginning {
  const why = whyNoRelay(relay) ?? (from === undefined ? undefined : whyNoFrom(from));
  if (why !== undefined) throw new CommandError(`Cannot write configuration: ${why}`, EXIT.usage);
  return { relay, ...(from === undefined ? {} : { from }) };
}

function whyNoRelay(text: string): string | undefined {
  const reading = parseVia(text);
  if ('via' in reading) return reading.via.kind === 'account' ? 'there is no account yet' : undefined;
  return reading.reason.startsWith('Cannot use relay') ? reading.reason : `a relay: ${reading.reason}`;
}

function whyNoFrom(text: string): string | undefined {
  const reading = readFromPattern(text);
  return 'value' in reading ? undefined : `${quoted(text)} must be ${reading.allowed}`;
}

const RELAY: Question = {
  text: 'Relay that takes all mail, such as smtps://smtp.example.com (empty: directly to each recipient’s servers): ',
  wrong: whyNoRelay,
};
const USER: Question = { text: 'Name to log in with there (empty: no login): ' };
const PASSWORD: Question = { text: 'File with the password, closed to others (empty: not yet): ' };
const FROM: Question = { text: 'Address that mail is from (empty: the user’s own): ', wrong: whyNoFrom };
const ROOT: Question = { text: 'Who reads mail for root (empty: root): ' };

async function askAll(around: Surroundings): Promise<Beginning> {
  return ask(around, async (answerTo) => {
    const relay = (await answerTo(RELAY)) || 'mx';
    const reading = parseVia(relay);
    const server = 'via' in reading && reading.via.kind === 'relay' ? reading.via.relay : undefined;
    const isNamed = server === undefined || server.port === 0 || server.user !== undefined;
    const user = isNamed ? '' : await answerTo(USER);
    const hasLogin = user !== '' || server?.user !== undefined;
    const passwordFile = hasLogin ? await answerTo(PASSWORD) : '';
    const from = await answerTo(FROM);
    const root = await answerTo(ROOT);
    return {
      relay: user === '' ? relay : relay.replace('://', `://${encodeURIComponent(user)}@`),
      ...(passwordFile && { passwordFile }),
      ...(from && { from }),
      ...(root && { root }),
    };
  });
}

interface Wanted {
  readonly file: string;
  readonly beginning: Beginning;
  readonly isSystem: boolean;
}

async function write({ file, beginning, isSystem }: Wanted, around: Surroundings): Promise<void> {
  const { passwordFile } = beginning;
  if (passwordFile !== undefined) await around.findSecret({ passwordFile });
  const schema = pathToFileURL(join(dirname(around.program()), '../dist/posthaste.schema.json')).href;
  const text = beginningText(beginning, { schema, isSystem });
  const reading = await (await import('../config/config.ts')).readConfig(text, file);
  if (!reading.ok) throw new CommandError(reading.errors.join('\n'), EXIT.config);
  // Others need to read what holds for them; one's own configuration is nobody else's business.
  const modes = isSystem ? { folder: 0o755, file: 0o644 } : { folder: 0o700, file: 0o600 };
  const aside = join(dirname(file), '.config.toml.new');
  try {
    if (systemDisk.mkdir(dirname(file)) !== undefined) systemDisk.chmod(dirname(file), modes.folder);
    unlessMissing(() => systemDisk.unlink(aside));
    const descriptor = systemDisk.open(aside, 'create');
    try {
      systemDisk.write(descriptor, Buffer.from(text));
      await systemDisk.fsync(descriptor);
    } finally {
      systemDisk.close(descriptor);
    }
    systemDisk.chmod(aside, modes.file);
    systemDisk.rename(aside, file);
  } catch (error) {
    throw new CommandError(`Cannot write ${quoted(file)}: ${wordsOf(error)}`, EXIT.cantCreate, { cause: error });
  }
}
