import type { Credentials, Exchange } from './exchange.ts';
import { MECHANISM_NAMES, type MechanismName } from './names.ts';
import { oauthBearer, xoauth2 } from './oauth.ts';
import { cramMd5, external, login, plain } from './password.ts';
import { scram } from './scram.ts';

/** What the exchange is begun with. */
export interface Start {
  readonly user: string;
  /** Password or token, as the mechanism needs it; '' for EXTERNAL. */
  readonly secret: string;
  /** Random, printable, without a comma, new for each exchange; for SCRAM. */
  readonly nonce: string;
  readonly endpoint?: { readonly host: string; readonly port: number };
}

interface Row {
  readonly secret: 'certificate' | 'token' | 'password';
  readonly begin: (start: Start) => Exchange;
}

const MECHANISMS = {
  EXTERNAL: { secret: 'certificate', begin: ({ user }) => external(user) },
  OAUTHBEARER: { secret: 'token', begin: ({ secret, ...rest }) => oauthBearer({ ...rest, token: secret }) },
  XOAUTH2: { secret: 'token', begin: ({ secret, user }) => xoauth2({ user, token: secret }) },
  'SCRAM-SHA-256': {
    secret: 'password',
    begin: ({ secret, user, nonce }) => scram({ hash: 'sha256', user, password: secret, nonce }),
  },
  'SCRAM-SHA-1': {
    secret: 'password',
    begin: ({ secret, user, nonce }) => scram({ hash: 'sha1', user, password: secret, nonce }),
  },
  'CRAM-MD5': { secret: 'password', begin: ({ secret, user }) => cramMd5({ user, password: secret }) },
  PLAIN: { secret: 'password', begin: ({ secret, user }) => plain({ user, password: secret }) },
  LOGIN: { secret: 'password', begin: ({ secret, user }) => login({ user, password: secret }) },
} as const satisfies Readonly<Record<MechanismName, Row>>;

type Have = { readonly [K in keyof Credentials]: Credentials[K] | undefined };

/** A mechanism with the secret that it takes. */
export interface Candidate {
  readonly name: MechanismName;
  readonly secret: string;
}

export const beginExchange = (name: MechanismName, start: Start): Exchange => MECHANISMS[name].begin(start);

/**
 * The mechanisms that these credentials can be used with, best first. One that is asked for by name stands alone, and
 * makes the password a token where it wants one; unasked, EXTERNAL is taken only where there is nothing but a certificate.
 */
export function serving(credentials: Credentials, asked?: MechanismName): readonly Candidate[] {
  if (asked !== undefined) {
    const token = credentials.token ?? credentials.password;
    return candidate(asked, { ...credentials, token, certificate: true });
  }
  const bare = credentials.password === undefined && credentials.token === undefined;
  return MECHANISM_NAMES.flatMap((name) => (name === 'EXTERNAL' && !bare ? [] : candidate(name, credentials)));
}

function candidate(name: MechanismName, { user, password, token, certificate }: Have): readonly Candidate[] {
  switch (MECHANISMS[name].secret) {
    case 'certificate':
      return certificate === true ? [{ name, secret: '' }] : [];
    case 'token':
      return token === undefined ? [] : [{ name, secret: token }];
    case 'password':
      return password === undefined || !user ? [] : [{ name, secret: password }];
  }
}
