import type { LoginSettings } from '../config/settings.ts';
import type { Outlet } from '../route/table.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/* How a way logs in, as `cli/login` finds it, without looking at any password. */

export interface LoginJson {
  readonly user?: string;
  /** Absent: the best that the server offers. */
  readonly mechanism?: string;
  /** Where the password would come from; absent: nowhere. */
  readonly password?: string;
}

type Environment = Surroundings['env'];

/** `isUsual`: it takes what no route takes, and a password in the environment is meant for it. */
export function loginOf({ via, login }: Outlet, isUsual: boolean, env: Environment): LoginJson | undefined {
  if (via.kind !== 'relay') return undefined;
  const user = login.user ?? via.relay.user;
  const mechanism = login.auth === undefined ? {} : { mechanism: login.auth.toUpperCase() };
  if (user === undefined) return mechanism.mechanism === 'EXTERNAL' ? mechanism : undefined;
  const password = passwordPlace(login, isUsual ? env : {});
  return { user, ...mechanism, ...(password === undefined ? {} : { password }) };
}

/** @throws {CommandError} where there is a user, and nothing to prove that we are he */
export function refuseWithoutPassword(outlet: Outlet, isUsual: boolean, { env }: Pick<Surroundings, 'env'>): void {
  const login = loginOf(outlet, isUsual, env);
  const hasProof = outlet.settings.tls.cert !== undefined || login?.mechanism === 'EXTERNAL';
  if (login === undefined || login.password !== undefined || hasProof || outlet.via.kind !== 'relay') return;
  const where = 'give --password-file, --password-command or POSTHASTE_PASSWORD';
  const reason = `there is no password: ${where}`;
  throw new CommandError(`Cannot log in to ${outlet.via.relay.display}: ${reason}`, EXIT.config);
}

/** In the order of `config/secrets`. */
function passwordPlace({ passwordFile, passwordCommand }: LoginSettings, env: Environment): string | undefined {
  if (passwordFile !== undefined) return `file ${passwordFile}`;
  // Its other words may say more than anybody should see.
  if (passwordCommand !== undefined) return `command ${passwordCommand.trim().split(/\s/)[0] ?? ''}`;
  if (env.POSTHASTE_PASSWORD) return 'variable POSTHASTE_PASSWORD';
  if (env.POSTHASTE_PASSWORD_FILE) return `file ${env.POSTHASTE_PASSWORD_FILE}`;
  return env.CREDENTIALS_DIRECTORY ? 'credential posthaste.password' : undefined;
}
