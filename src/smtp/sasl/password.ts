import { createHmac } from 'node:crypto';
import { type Exchange, halt, LISTEN, say, sayLast, TOO_MANY } from './exchange.ts';

/** A user with the password in the clear. */
export interface UserPassword {
  readonly user: string;
  readonly password: string;
}

/** RFC 4616; no other identity to act as. */
export function* plain({ user, password }: UserPassword): Exchange {
  yield sayLast(`\0${user}\0${password}`);
  return TOO_MANY;
}

/** Two questions, whatever their words: servers differ in them (draft-murchison-sasl-login). */
export function* login({ user, password }: UserPassword): Exchange {
  yield LISTEN;
  yield say(user);
  yield sayLast(password);
  return TOO_MANY;
}

/** RFC 2195. The server proves nothing. */
export function* cramMd5({ user, password }: UserPassword): Exchange {
  const challenge = yield LISTEN;
  if (challenge.length === 0) return halt('protocol', 'the challenge is empty');
  const digest = createHmac('md5', Buffer.from(password, 'utf8')).update(challenge).digest('hex');
  yield sayLast(`${user} ${digest}`);
  return TOO_MANY;
}

/** RFC 4422, appendix A: the TLS session says who we are, `user` only who we want to act as; '' is the same. */
export function* external(user: string): Exchange {
  yield sayLast(user);
  return TOO_MANY;
}
