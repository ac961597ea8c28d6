import type { Failure } from '../mail/result.ts';
import type { TokenSource } from '../smtp/sasl/exchange.ts';
import type { Granted } from './answer.ts';
import type { Client } from './client.ts';
import { failureOf, grant, grantToClient, loginAgain, type Provider, type Refusal, tokenFailure } from './grant.ts';
import type { TokenFile, Tokens } from './token-file.ts';

/** An account that logs in with tokens. */
export interface OAuthAccount extends Provider {
  /** In the configuration. */
  readonly name: string;
  readonly user: string;
  readonly file: TokenFile;
  now(): number;
}

/** Milliseconds that a token is not used before its end: the way to the server and the login take some. */
const MARGIN = 60_000;
/** One that was given a moment ago and is refused is not stale: another one would be refused as well. */
const YOUNG = 60_000;

/** The tokens that go into the file where the endpoint gave some; the old refresh token is kept where it gave no new one. */
export const tokensOf = ({ access, refresh, lifetime }: Granted, now: number, old?: string): Tokens => ({
  ...(refresh === undefined && old === undefined ? {} : { refresh: refresh ?? old ?? '' }),
  ...{ access, issued: now, expires: now + lifetime },
});

/**
 * Gives the account's access token: the one in the file while it is good, else a new one, which all processes see. Two
 * that need one at once ask for one.
 */
export function createSource(account: OAuthAccount): TokenSource {
  const { name, file, client, now } = account;
  const advice = adviceFor(client, name);

  /** A token, a failure, or undefined where the one refused is the best that there is. */
  async function renewed(stale?: string): Promise<string | Failure | undefined> {
    const known = file.read();
    if (known?.access !== undefined && known.access !== stale && isGood(known, now())) return known.access;
    if (known !== undefined && stale !== undefined && known.access === stale && isYoung(known, now())) return undefined;
    if (client.flow !== 'client' && known?.refresh === undefined) {
      return tokenFailure(name, { status: '4.7.0', text: `nobody has logged in; ${loginAgain(name)}` });
    }
    const draft = file.begin();
    try {
      const answer = await askAgain(account, known?.refresh);
      if (answer.kind !== 'granted') return failureOf(answer, account);
      draft.commit(tokensOf(answer, now(), known?.refresh));
      return answer.access;
    } finally {
      draft.discard();
    }
  }

  const busy = tokenFailure(name, { status: '4.3.0', text: 'another process has been fetching it for too long' });
  const source: TokenSource = {
    advice,
    current: () =>
      orFailure(name, async () => {
        const known = file.read();
        if (known?.access !== undefined && isGood(known, now())) return known.access;
        return (await file.locked(async () => (await renewed()) ?? busy)) ?? busy;
      }),
    instead: (stale) =>
      orFailure(name, async () => {
        const found = await file.locked(async () => ({ token: await renewed(stale) }));
        return found === undefined ? busy : found.token;
      }),
  };
  return source;
}

const adviceFor = (client: Client, name: string): string =>
  client.flow === 'client'
    ? `Check what the provider lets the client of account ${name} do`
    : `The token is new: ${loginAgain(name)}, as the right user`;

function askAgain(account: OAuthAccount, refresh: string | undefined): Promise<Granted | Refusal> {
  // The scope is not repeated: it is what the login was given (RFC 6749, section 6).
  if (account.client.flow === 'client' || refresh === undefined) return grantToClient(account);
  return grant(account, { grant_type: 'refresh_token', refresh_token: refresh });
}

const isGood = ({ expires = 0, issued = 0 }: Tokens, now: number): boolean => issued <= now && now + MARGIN < expires;
const isYoung = ({ issued = 0 }: Tokens, now: number): boolean => issued <= now && now - issued < YOUNG;

/** A program that prints a token: it is run for each session, as it keeps what it has itself. */
export const createCommandSource = (name: string, run: () => Promise<string>): TokenSource => ({
  advice: `Check "token_command" of account ${name}`,
  current: () => orFailure(name, run),
  instead: (stale) =>
    orFailure(name, async () => {
      const token = await run();
      return token === stale ? undefined : token;
    }),
});

/** What can't be read now, a file or a secret, may be readable later. Rejects for a bug. */
async function orFailure<T>(name: string, work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('exit' in error || error.name === 'TokenFileError' || 'code' in error))
      throw error;
    return tokenFailure(name, { status: '4.3.5', text: error.message });
  }
}
