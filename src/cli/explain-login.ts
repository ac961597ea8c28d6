import type { OAuthSettings } from '../config/settings.ts';
import { type Outlet, userOf } from '../route/table.ts';
import type { Surroundings } from './surroundings.ts';

/* How a way logs in, as `cli/login` finds it, without looking at any password. */

export interface LoginJson {
  readonly user?: string;
  /** Absent: the best that the server offers. */
  readonly mechanism?: string;
  /** Where the password is looked for, in this order; absent where a certificate stands for it. */
  readonly password?: readonly string[];
  /** In the place of a password: where access tokens come from. */
  readonly token?: string;
}

type Environment = Surroundings['env'];

/** `isUsual`: it takes what no route takes, and a password in the environment is meant for it. */
export function loginOf(outlet: Outlet, isUsual: boolean, env: Environment): LoginJson | undefined {
  const { via, login } = outlet;
  if (via.kind !== 'relay') return undefined;
  const user = userOf(outlet);
  const mechanism = login.auth === undefined ? {} : { mechanism: login.auth.toUpperCase() };
  if (user === undefined) return mechanism.mechanism === 'EXTERNAL' ? mechanism : undefined;
  if (login.oauth !== undefined) return { user, ...mechanism, token: tokenPlace(login.oauth) };
  return { user, ...mechanism, password: passwordPlaces(outlet, isUsual ? env : {}, env) };
}

/** Its other words may say more than anybody should see. */
const commandPlace = (command: string): string => `command ${command.trim().split(/\s/)[0] ?? ''}`;

const tokenPlace = ({ tokenCommand, provider, tokenUrl = '' }: OAuthSettings): string =>
  tokenCommand === undefined ? (provider ?? tokenUrl) : commandPlace(tokenCommand);

/** In the order of `config/secrets`: up to the first that is there for sure. */
function passwordPlaces(
  { login: { passwordFile, passwordCommand }, account }: Outlet,
  ours: Environment,
  { CREDENTIALS_DIRECTORY: credentials }: Environment,
): readonly string[] {
  if (passwordFile !== undefined) return [`file ${passwordFile}`];
  if (passwordCommand !== undefined) return [commandPlace(passwordCommand)];
  if (ours.POSTHASTE_PASSWORD) return ['variable POSTHASTE_PASSWORD'];
  if (ours.POSTHASTE_PASSWORD_FILE) return [`file ${ours.POSTHASTE_PASSWORD_FILE}`];
  return [
    ...(credentials && account !== undefined ? [`credential posthaste.${account}.password`] : []),
    ...(ours.CREDENTIALS_DIRECTORY ? ['credential posthaste.password'] : []),
    ...['~/.netrc', '~/.authinfo', 'the keyring'],
  ];
}
