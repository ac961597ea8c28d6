import { type Exchange, type Halt, saslName, say, sayLast, TOO_MANY } from './exchange.ts';

/** An access token and whose it is. */
export interface Bearer {
  readonly user: string;
  readonly token: string;
  /** Where we connected to. */
  readonly endpoint?: { readonly host: string; readonly port: number };
}

/** RFC 6750, section 2.1; another character could end the field that the token stands in. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const NO_TOKEN: Halt = { fault: 'credentials', text: 'the token has a character that no token has' };

/** Google's and Microsoft's own; an error is a challenge, and the 535 follows an empty answer. */
export function* xoauth2({ user, token }: Bearer): Exchange {
  if (!TOKEN.test(token)) return NO_TOKEN;
  yield sayLast(`user=${user}\x01auth=Bearer ${token}\x01\x01`);
  yield say('');
  return TOO_MANY;
}

/** RFC 7628, section 3; an error is a challenge, and the 535 follows a single 0x01. */
export function* oauthBearer({ user, token, endpoint }: Bearer): Exchange {
  if (!TOKEN.test(token)) return NO_TOKEN;
  const identity = user === '' ? '' : `a=${saslName(user)}`;
  const place = endpoint === undefined ? '' : `host=${endpoint.host}\x01port=${endpoint.port}\x01`;
  yield sayLast(`n,${identity},\x01${place}auth=Bearer ${token}\x01\x01`);
  yield say('\x01');
  return TOO_MANY;
}
