import type { OAuthSettings } from '../config/settings.ts';
import type { TlsMaterial } from '../delivery/protect.ts';
import { quoted } from '../mail/printable.ts';
import { type Client, clientOf, type Flow } from '../oauth/client.ts';
import { createPost } from '../oauth/post.ts';
import { createCommandSource, createSource, type OAuthAccount } from '../oauth/source.ts';
import { openTokenFile, tokensInMemory } from '../oauth/token-file.ts';
import type { Outlet } from '../route/table.ts';
import type { TokenSource } from '../smtp/sasl/exchange.ts';
import { type Place, statePlace } from '../submit/places.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/* What `[account.NAME.oauth]` says, with the files, programs and connections that it takes. Loaded only where it is used. */

/** An account whose login is by tokens, and a user. */
export interface OAuthQuestion {
  readonly outlet: Outlet;
  readonly oauth: OAuthSettings;
  readonly user: string;
  readonly material: TlsMaterial;
}

/** Where the account's tokens come from when mail is sent. @throws {CommandError} with 78 for what can't be used */
export function findTokens(question: OAuthQuestion, around: Surroundings): TokenSource {
  const { outlet, oauth } = question;
  const { tokenCommand } = oauth;
  if (tokenCommand === undefined) return createSource(openAccount(question, around));
  const run = (): Promise<string> =>
    naming('access token', async () => (await around.findSecret({ passwordCommand: tokenCommand })) ?? '');
  return createCommandSource(outlet.account ?? '', run);
}

/** The account as a client of its provider; `flow` goes over the settings'. @throws {CommandError} with 78 */
export function openAccount(
  { outlet, oauth, user, material }: OAuthQuestion,
  around: Surroundings,
  flow?: Flow,
): OAuthAccount {
  const { settings, account: name = '' } = outlet;
  const reading = clientOf(flow === undefined ? oauth : { ...oauth, flow });
  if ('reason' in reading) {
    throw new CommandError(`Cannot use configuration: account ${quoted(name)}: oauth: ${reading.reason}`, EXIT.config);
  }
  const { client } = reading;
  const { network, tls } = settings;
  return {
    ...{ name, user, client },
    post: createPost({ ca: material.ca, minVersion: tls.minVersion, network }),
    secret: () => secretOf(client, around),
    file:
      client.flow === 'client' && !hasPlace(name, around)
        ? tokensInMemory()
        : openTokenFile({
            path: tokenPath(name, around),
            client,
            now: () => around.now(),
            sleep: (milliseconds) => around.openWorld(settings).sleep(milliseconds),
          }),
    now: () => around.now(),
  };
}

const placeOf = (account: string, around: Surroundings): Place =>
  statePlace(`tokens/${account}.json`, { ...around, uid: around.surface.userId() });

const hasPlace = (account: string, around: Surroundings): boolean => 'path' in placeOf(account, around);

/** @throws {CommandError} with 73 where there is no place for it */
export function tokenPath(account: string, around: Surroundings): string {
  const place = placeOf(account, around);
  if ('path' in place) return place.path;
  throw new CommandError(`Cannot keep tokens: ${place.reason}`, EXIT.cantCreate);
}

async function secretOf({ secretFile }: Client, around: Surroundings): Promise<string | undefined> {
  if (secretFile === undefined) return undefined;
  return naming('client secret', () => around.findSecret({ passwordFile: secretFile }));
}

/** They are read as passwords are, and called by their own names. */
async function naming<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SecretError') throw error;
    throw new CommandError(error.message.replace('Cannot read password', `Cannot read ${what}`), EXIT.noPermission);
  }
}
