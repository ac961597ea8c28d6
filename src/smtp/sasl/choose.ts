import { MECHANISM_NAMES, type MechanismName } from '../../mail/mechanism.ts';
import type { Channel, ChannelBinding } from './binding.ts';
import type { Credentials, Exchange } from './exchange.ts';
import { isBound } from './names.ts';
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
  /** For SCRAM. */
  readonly channel: Channel;
}

interface Row {
  readonly secret: 'certificate' | 'token' | 'password';
  readonly begin: (start: Start) => Exchange;
}

const MECHANISMS = {
  EXTERNAL: { secret: 'certificate', begin: ({ user }) => external(user) },
  OAUTHBEARER: { secret: 'token', begin: ({ secret, ...rest }) => oauthBearer({ ...rest, token: secret }) },
  XOAUTH2: { secret: 'token', begin: ({ secret, user }) => xoauth2({ user, token: secret }) },
  'SCRAM-SHA-256-PLUS': scramRow('sha256'),
  'SCRAM-SHA-1-PLUS': scramRow('sha1'),
  'SCRAM-SHA-256': scramRow('sha256'),
  'SCRAM-SHA-1': scramRow('sha1'),
  'CRAM-MD5': { secret: 'password', begin: ({ secret, user }) => cramMd5({ user, password: secret }) },
  PLAIN: { secret: 'password', begin: ({ secret, user }) => plain({ user, password: secret }) },
  LOGIN: { secret: 'password', begin: ({ secret, user }) => login({ user, password: secret }) },
} as const satisfies Readonly<Record<MechanismName, Row>>;

function scramRow(hash: 'sha256' | 'sha1'): Row {
  return {
    secret: 'password',
    begin: ({ secret, user, nonce, channel }) => scram({ hash, user, password: secret, nonce, channel }),
  };
}

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

/** A candidate with the channel that it is begun with. */
export interface Attempt extends Candidate {
  readonly channel: Channel;
}

/**
 * The attempts to make of candidates that the server offers, in order. What binds the login is tried with each binding
 * that the connection has, as servers don't say which they know.
 */
export function attemptsOf(
  candidates: readonly Candidate[],
  bindings: readonly ChannelBinding[],
  offered: ReadonlySet<string>,
): readonly Attempt[] {
  const offersBound = MECHANISM_NAMES.some((name) => isBound(name) && offered.has(name));
  // RFC 5802, section 6: a server that has offered it, and hears that it has not, knows that somebody took it away.
  const channel = bindings.length > 0 && !offersBound ? 'y' : 'n';
  return candidates.flatMap((candidate): readonly Attempt[] =>
    isBound(candidate.name)
      ? bindings.map((binding) => ({ ...candidate, channel: binding }))
      : [{ ...candidate, channel }],
  );
}
