import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';
import { createVeil } from '../net/veil.ts';
import { type Denied, type Granted, readGrant } from './answer.ts';
import type { Client } from './client.ts';
import { type Answer, type Post, PostError } from './post.ts';

/** A client with what it needs of the world. */
export interface Provider {
  readonly client: Client;
  readonly post: Post;
  /** The client's secret; undefined where it has none. Rejects where it can't be read. */
  secret(): Promise<string | undefined>;
}

/** Why there is no token. */
export type Refusal = Denied | { readonly kind: 'unreachable'; readonly reason: string };

type Form = Readonly<Record<string, string>>;

/** Asks an endpoint as this client. What it repeats of our secrets is struck out. Rejects where `secret` does. */
export async function ask<T>(
  { client, post, secret }: Provider,
  { url, form }: { readonly url: string; readonly form: Form },
  read: (answer: Answer) => T | Denied,
): Promise<T | Refusal> {
  const known = await secret();
  // Both presets want the secret in the body (RFC 6749, section 2.3.1), where a public client has its id as well.
  const whole: Form = { client_id: client.id, ...(known === undefined ? {} : { client_secret: known }), ...form };
  const veil = createVeil(SECRETS.flatMap((name) => whole[name] ?? []));
  try {
    const { status, type, body } = await post(url, whole);
    const found = read({ status, type, body });
    return isError(found) ? { ...found, text: veil.text(found.text) } : found;
  } catch (error) {
    if (error instanceof PostError) return { kind: 'unreachable', reason: error.message };
    throw error;
  }
}

const SECRETS: readonly (keyof Form)[] = ['client_secret', 'refresh_token', 'device_code', 'code', 'code_verifier'];

const isError = (found: unknown): found is Denied & { readonly kind: 'error' } =>
  typeof found === 'object' && found !== null && 'kind' in found && found.kind === 'error';

/** Asks for tokens. Rejects where `secret` does. */
export const grant = (provider: Provider, form: Form): Promise<Granted | Refusal> =>
  ask(provider, { url: provider.client.tokenUrl, form }, readGrant);

/** The client itself is who logs in (RFC 6749, section 4.4). */
export const grantToClient = (provider: Provider): Promise<Granted | Refusal> =>
  grant(provider, { grant_type: 'client_credentials', ...scopeOf(provider.client) });

export const scopeOf = ({ scope }: Client): Form => (scope === undefined ? {} : { scope });

/** RFC 6749, section 5.2, and OpenID Connect's: only the person can do something about it. */
const LOGIN: readonly string[] = [
  ...['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'account_selection_required'],
  ...['access_denied', 'expired_token'],
];
const PASSING: readonly string[] = ['temporarily_unavailable', 'server_error', 'slow_down'];

/** The mail waits for a person: unlike a login that is refused at once, it is for the queue (RFC 3463: our system's fault). */
const WAITING = '4.3.5';

/** In words, behind a colon. */
export function whyRefused(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'error':
      return refusal.text;
    case 'nonsense':
    case 'unreachable':
      return refusal.reason;
  }
}

/** What it means for mail: it waits, with an advice where time alone does not help. */
export function failureOf(
  refusal: Refusal,
  { name, client }: { readonly name: string; readonly client: Client },
): Failure {
  const text = whyRefused(refusal);
  if (refusal.kind === 'unreachable') return tokenFailure(name, { status: '4.4.1', text });
  if (refusal.kind === 'nonsense') {
    return tokenFailure(name, { status: '4.4.0', text: `${new URL(client.tokenUrl).host}: ${text}` });
  }
  if (PASSING.includes(refusal.error)) return tokenFailure(name, { status: '4.4.0', text });
  const isPersons = LOGIN.includes(refusal.error) && client.flow !== 'client';
  const keys = `check client_id, client_secret_file and scope in [account.${name}.oauth]`;
  return tokenFailure(name, { status: WAITING, text: `${text}; ${isPersons ? loginAgain(name) : keys}` });
}

export const loginAgain = (name: string): string => `run "posthaste login ${name}"`;

/** There is no token for an account now; what to do stands in the text, as that is what the queue shows. */
export const tokenFailure = (name: string, { status, text }: Pick<Failure, 'status' | 'text'>): Failure => ({
  ...{ scope: 'destination', permanent: false, stage: 'auth', status },
  text: `Cannot get access token for account ${quoted(name)}: ${text}`,
});
