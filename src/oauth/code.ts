import { createHash, randomBytes } from 'node:crypto';
import type { Granted } from './answer.ts';
import { grant, type Provider, type Refusal, scopeOf } from './grant.ts';
import type { Redirect } from './redirect.ts';

export interface CodeLogin {
  /** Whom the provider suggests to be. */
  readonly user: string;
  /** Shows the person where to go. */
  tell(url: string): void;
  /** Begins to wait for the browser, that comes back with this state. */
  listen(state: string): Promise<Redirect>;
}

/**
 * A login in a browser of this machine (RFC 8252), which comes back to us with a code. A program that sees the code, or
 * has us take one of its own, gets nothing of it: PKCE (RFC 7636) and the state (RFC 6749, section 10.12).
 */
export async function codeLogin(provider: Provider, login: CodeLogin): Promise<Granted | Refusal> {
  const { client } = provider;
  if (client.authUrl === undefined) throw new Error('Cannot log in: the client has no URL for browsers');
  const state = randomBytes(24).toString('base64url');
  const verifier = randomBytes(48).toString('base64url');
  const redirect = await login.listen(state);
  try {
    const url = new URL(client.authUrl);
    const parameters = {
      ...{ response_type: 'code', client_id: client.id, redirect_uri: redirect.url, state },
      ...scopeOf(client),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      ...{ code_challenge_method: 'S256', login_hint: login.user },
      ...client.extra,
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    login.tell(url.href);
    const back = await redirect.back;
    if (back.kind !== 'code') return back;
    const form = { grant_type: 'authorization_code', code: back.code, redirect_uri: redirect.url };
    return await grant(provider, { ...form, code_verifier: verifier });
  } finally {
    redirect.close();
  }
}
