import { DEFAULTS } from '../config/defaults.ts';
import type { Ending } from '../mail/ending.ts';
import { quoted } from '../mail/printable.ts';
import type { Granted } from '../oauth/answer.ts';
import type { Flow } from '../oauth/client.ts';
import { codeLogin } from '../oauth/code.ts';
import { deviceLogin } from '../oauth/device.ts';
import { grantToClient, type Refusal, whyRefused } from '../oauth/grant.ts';
import { waitForBrowser } from '../oauth/redirect.ts';
import { type OAuthAccount, tokensOf } from '../oauth/source.ts';
import { forgetTokens } from '../oauth/token-file.ts';
import { userOf } from '../route/table.ts';
import type { World } from '../world.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { readMeans } from './means.ts';
import { openAccount, tokenPath } from './oauth.ts';
import { type Form, type FormRow, type GivenOf, readForm } from './program.ts';
import { readMaterial } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * `posthaste login ACCOUNT` and `posthaste logout ACCOUNT`: a person lets us send for an account by OAuth, once, and what
 * the provider gives for it is kept until it is taken away.
 */

export type LoginKey = 'flow' | 'config';

const row = (key: LoginKey, flags: string, text: string): FormRow<LoginKey> => ({ key, flags, text });

export const LOGIN_OPTIONS: readonly FormRow<LoginKey>[] = [
  row('flow', '--flow <way>', 'device: a code typed in on any device; code: a browser on this machine'),
  row('config', '--config <file>', 'read this configuration file'),
];

const LOGIN: Form<LoginKey> = {
  usage: 'login [options] account',
  description:
    'Logs in to the provider of an account with [account.NAME.oauth], so that mail can be sent with its tokens.',
  operands: '[account...]',
  rows: LOGIN_OPTIONS,
};

const LOGOUT: Form<LoginKey> = {
  usage: 'logout account',
  description: 'Takes away the tokens of an account.',
  operands: '[account...]',
  rows: [],
};

/** @throws {CommandError} */
export async function runLogin(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const call = readCall(LOGIN, words, around);
  if (call === undefined) return EXIT.ok;
  const { name, given } = call;
  const { account, world } = await findAccount(name, given, around);
  // What would fail at the end is told before a person does anything.
  await account.secret();
  const draft = await orCantCreate(async () => account.file.begin());
  try {
    const granted = await unlessEnded(
      logIn(account, world, (text) => around.stdout.write(text)),
      around.catchSignals(),
    );
    if (granted.kind !== 'granted') {
      const exit = granted.kind === 'error' ? EXIT.noPermission : EXIT.tempFail;
      throw new CommandError(`Cannot log in to account ${quoted(name)}: ${whyRefused(granted)}`, exit);
    }
    if (granted.refresh === undefined && account.client.flow !== 'client') {
      const text = 'the provider gave no refresh token, so that it would end within the hour: "scope" may lack one';
      throw new CommandError(`Cannot log in to account ${quoted(name)}: ${text}`, EXIT.config);
    }
    await orCantCreate(() => account.file.locked(async () => draft.commit(tokensOf(granted, around.now()))));
  } finally {
    draft.discard();
  }
  around.stdout.write(`account ${name}: logged in; "posthaste queue flush" sends what waits\n`);
  return EXIT.ok;
}

/** @throws {CommandError} */
export async function runLogout(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const call = readCall(LOGOUT, words, around);
  if (call === undefined) return EXIT.ok;
  const path = tokenPath(call.name, around);
  const wasThere = await orCantCreate(() =>
    forgetTokens({
      path,
      now: () => around.now(),
      sleep: (milliseconds) => around.openWorld(DEFAULTS).sleep(milliseconds),
    }),
  );
  around.stdout.write(`account ${call.name}: ${wasThere ? 'logged out' : 'nobody was logged in'}\n`);
  return EXIT.ok;
}

interface Call {
  readonly name: string;
  readonly given: GivenOf<LoginKey>;
}

/** Undefined where it was only asked for help. */
function readCall(form: Form<LoginKey>, words: readonly string[], around: Surroundings): Call | undefined {
  const read = readForm(form, words, around);
  if (read === undefined) return undefined;
  const [name, ...more] = read.words;
  if (name === undefined || more.length > 0) throw new CommandError('Cannot log in: name one account', EXIT.usage);
  // It becomes the name of a file.
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new CommandError(`Cannot log in: no account is called ${quoted(name)}`, EXIT.usage);
  return { name, given: read.given };
}

async function findAccount(
  name: string,
  given: GivenOf<LoginKey>,
  around: Surroundings,
): Promise<{ readonly account: OAuthAccount; readonly world: World }> {
  const config = given.get('config')?.at(-1);
  const options = { account: name, tls: { fingerprints: [] }, ...(config === undefined ? {} : { config }) };
  const { table } = await readMeans(options, around);
  const [outlet] = table.rest.outlets;
  const { settings } = outlet;
  const { oauth } = outlet.login;
  const user = userOf(outlet);
  const fail = (reason: string): never => {
    throw new CommandError(`Cannot log in to account ${quoted(name)}: ${reason}`, EXIT.config);
  };
  if (oauth === undefined) return fail(`it has no table [account.${name}.oauth]`);
  if (oauth.tokenCommand !== undefined) return fail('its tokens come from "token_command"');
  if (user === undefined) return fail('its "url" has no user, as in smtps://user@host');
  const material = await readMaterial(settings, around);
  const flow = flowOf(given.get('flow')?.at(-1));
  return { account: openAccount({ outlet, oauth, user, material }, around, flow), world: around.openWorld(settings) };
}

function flowOf(text: string | undefined): Flow | undefined {
  if (text === undefined || text === 'device' || text === 'code') return text;
  throw new CommandError(`Cannot use --flow ${quoted(text)}: it is device or code`, EXIT.usage);
}

function logIn(
  account: OAuthAccount,
  world: Pick<World, 'now' | 'sleep'>,
  say: (text: string) => void,
): Promise<Granted | Refusal> {
  const { name, user, client } = account;
  switch (client.flow) {
    case 'client':
      return grantToClient(account);
    case 'device':
      return deviceLogin(account, {
        tell: ({ url, code, lifetime }) =>
          say(
            `To log in to account ${name} as ${user}, open this page on any device:\n\n  ${url}\n\nand type in: ${code}\n\nWaiting for ${Math.ceil(lifetime / 60_000)} minutes at most.\n`,
          ),
        now: () => world.now(),
        sleep: (milliseconds) => world.sleep(milliseconds),
      });
    case 'code':
      return codeLogin(account, {
        user,
        tell: (url) =>
          say(
            `To log in to account ${name} as ${user}, open this page in a browser on this machine:\n\n  ${url}\n\nWaiting for ten minutes at most.\n`,
          ),
        listen: (state) => waitForBrowser({ host: client.redirectHost, state }),
      });
  }
}

/** @throws {CommandError} as soon as a signal ends it */
function unlessEnded<T>(work: Promise<T>, signal: Ending): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new CommandError('Cannot log in: it was ended by a signal', EXIT.tempFail));
    signal.addEventListener('abort', end);
    work.then(resolve, reject);
  });
}

async function orCantCreate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'TokenFileError') throw error;
    throw new CommandError(error.message, EXIT.cantCreate);
  }
}
