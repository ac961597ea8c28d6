import { isAbsolute } from 'node:path';

/** Who has a home. */
export interface Resident {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home in the password database; undefined where it has none. */
  home(): string | undefined;
}

/** HOME, else the home in the password database. */
export const homeOf = ({ env, home }: Resident): string | undefined =>
  env.HOME !== undefined && isAbsolute(env.HOME) ? env.HOME : home();
