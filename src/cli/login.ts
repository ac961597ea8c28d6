import type { Settings } from '../config/settings.ts';
import type { Delivery } from '../delivery/deliver.ts';
import type { Relay } from '../route/relay.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

export interface LoginQuestion {
  readonly options: Pick<SendOptions, 'auth' | 'passwordFile' | 'passwordCommand'>;
  readonly settings: Settings;
  readonly relay: Relay | undefined;
}

/**
 * How to log in to the relay; undefined where that was not asked for. A password is only looked for when the relay's URL
 * has a user, so that one in the environment is never shown to a server that it is not meant for.
 * @throws {CommandError} where options contradict each other, or there is no password
 * @throws {SecretError}
 */
export async function findLogin(
  { options, settings, relay }: LoginQuestion,
  around: Surroundings,
): Promise<Delivery['login']> {
  const { auth, passwordFile, passwordCommand } = options;
  const option = passwordFile
    ? '--password-file'
    : passwordCommand
      ? '--password-command'
      : auth
        ? '--auth'
        : undefined;
  if (option !== undefined && relay === undefined) {
    throw new CommandError(`Cannot use ${option}: there is no --relay to log in to`, EXIT.usage);
  }
  const certificate = settings.tls.cert !== undefined;
  const mechanism = auth === undefined ? {} : { mechanism: auth };
  if (relay?.user === undefined) {
    if (auth === 'EXTERNAL') return { credentials: { certificate }, ...mechanism };
    if (option === undefined) return undefined;
    throw new CommandError(`Cannot use ${option}: the relay’s URL has no user, as in smtps://user@host`, EXIT.usage);
  }
  const { user } = relay;
  const password = await around.findSecret({
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(passwordCommand === undefined ? {} : { passwordCommand }),
  });
  if (password !== undefined) return { credentials: { user, password, certificate }, ...mechanism };
  if (certificate || auth === 'EXTERNAL') return { credentials: { user, certificate }, ...mechanism };
  const where = 'give --password-file, --password-command or POSTHASTE_PASSWORD';
  throw new CommandError(`Cannot log in to ${relay.display}: there is no password: ${where}`, EXIT.config);
}
