import { homeOf } from '../config/home.ts';
import type { Opened } from '../delivery/deliver.ts';
import type { TlsMaterial } from '../delivery/protect.ts';
import { isMechanism, MECHANISM_NAMES } from '../mail/mechanism.ts';
import { quoted } from '../mail/printable.ts';
import { type Outlet, userOf } from '../route/table.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

export interface LoginQuestion {
  readonly outlet: Outlet;
  /** It takes what no route takes: a password in the environment is meant for it. */
  readonly isUsual: boolean;
  readonly material: TlsMaterial;
}

/**
 * How to log in to the relay; undefined where that was not asked for. A password is only looked for when there is a user,
 * so that one in the environment is never shown to a server that it is not meant for.
 * @throws {CommandError} where what is said contradicts itself, or there is no password
 * @throws {SecretError}
 */
export async function findLogin(question: LoginQuestion, around: Surroundings): Promise<Opened['login']> {
  const { outlet, isUsual, material } = question;
  const { via, login, settings } = outlet;
  if (via.kind !== 'relay') return undefined;
  const { auth, passwordFile, openPasswordFile, passwordCommand, oauth } = login;
  const certificate = settings.tls.cert !== undefined;
  const mechanism = auth === undefined ? {} : { mechanism: mechanismOf(auth) };
  const user = userOf(outlet);
  if (user === undefined) {
    if (oauth === undefined && mechanism.mechanism === 'EXTERNAL')
      return { credentials: { certificate }, ...mechanism };
    const option = passwordFile
      ? '--password-file'
      : passwordCommand
        ? '--password-command'
        : auth
          ? '--auth'
          : oauth
            ? 'oauth'
            : undefined;
    if (option === undefined) return undefined;
    const place = outlet.account === undefined ? option : `account ${quoted(outlet.account)}`;
    throw new CommandError(`Cannot use ${place}: the relay’s URL has no user, as in smtps://user@host`, EXIT.usage);
  }
  if (oauth !== undefined) {
    if (auth !== undefined && !BEARING.includes(auth.toUpperCase())) {
      throw new CommandError(`Cannot use auth ${quoted(auth)}: with oauth, it is ${BEARING.join(' or ')}`, EXIT.config);
    }
    // Most logins have a password.
    const { findTokens } = await import('./oauth.ts');
    return { credentials: { user }, tokens: findTokens({ outlet, oauth, user, material }, around), ...mechanism };
  }
  const home = homeOf(around);
  const password = await around.findSecret({
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(openPasswordFile === true ? { openFile: true } : {}),
    ...(passwordCommand === undefined ? {} : { passwordCommand }),
    ...(isUsual ? {} : { ownOnly: true }),
    ...(outlet.account === undefined ? {} : { account: outlet.account }),
    login: { host: via.relay.host, port: via.relay.port, user, keyring: true, ...(home === undefined ? {} : { home }) },
  });
  if (password !== undefined) return { credentials: { user, password, certificate }, ...mechanism };
  if (certificate || auth === 'EXTERNAL') return { credentials: { user, certificate }, ...mechanism };
  const where =
    outlet.account === undefined
      ? 'give --password-file, --password-command or POSTHASTE_PASSWORD, or write it into ~/.netrc'
      : 'give the account a "password_file" or a "password_command", or write it into ~/.netrc';
  throw new CommandError(`Cannot log in to ${via.relay.display}: there is no password: ${where}`, EXIT.config);
}

const BEARING: readonly string[] = ['OAUTHBEARER', 'XOAUTH2'];

function mechanismOf(text: string) {
  const name = text.toUpperCase();
  if (isMechanism(name)) return name;
  throw new CommandError(`Cannot use auth ${quoted(text)}: it is ${MECHANISM_NAMES.join(', ')}`, EXIT.config);
}
