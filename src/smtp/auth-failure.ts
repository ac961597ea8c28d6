import type { MechanismName } from '../mail/mechanism.ts';
import type { Reply } from '../mail/reply.ts';
import type { Failure } from '../mail/result.ts';
import { judge } from './judge.ts';
import type { Candidate } from './sasl/choose.ts';
import type { Halt } from './sasl/exchange.ts';
import { isBound } from './sasl/names.ts';

const ENCRYPT = 'Use smtps:// or smtp+starttls://, or name a mechanism with --auth to send it in the clear';
const PASSWORD = 'Check user and password; many providers want an app password or a token in place of the usual one';

interface Meaning {
  /** Where the server names none (RFC 4954, section 6; RFC 5248). */
  readonly status: string;
  readonly advice?: string;
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  432: { status: '4.7.12', advice: 'Change the password at the provider, or log in once with --auth PLAIN' },
  454: { status: '4.7.0', advice: 'The server cannot check a login now: try again later' },
  500: { status: '5.5.6', advice: 'The password or token is too long for this server' },
  504: { status: '5.5.4', advice: 'Choose another mechanism with --auth' },
  530: { status: '5.7.0', advice: ENCRYPT },
  534: { status: '5.7.9', advice: 'Choose another mechanism with --auth, or use an app password' },
  535: { status: '5.7.8', advice: PASSWORD },
  538: { status: '5.7.11', advice: ENCRYPT },
};

/** The server's own refusal. */
export function refused(name: MechanismName, reply: Reply): Failure {
  const failure = judge('auth', reply);
  if (reply.code < 400) return failure;
  const { status, advice } = MEANINGS[reply.code] ?? { status: failure.status };
  return {
    ...failure,
    status: reply.status ?? status,
    text: `refused when logging in with ${name}`,
    ...(advice === undefined ? {} : { advice }),
  };
}

const BASE = { scope: 'host', stage: 'auth' } as const;

/** We broke it off, or did not begin. */
export function halted({ fault, text }: Halt, name?: MechanismName): Failure {
  const words = `Cannot log in${name === undefined ? '' : ` with ${name}`}: ${text}`;
  switch (fault) {
    case 'credentials':
      return { ...BASE, permanent: true, status: '5.7.8', text: words, advice: PASSWORD };
    case 'server':
      return { ...BASE, permanent: true, status: '5.7.0', text: words, advice: 'Check that this is the right server' };
    case 'protocol':
    case 'binding':
      return { ...BASE, permanent: false, status: '4.5.0', text: words };
  }
}

interface Mismatch {
  /** In upper case. */
  readonly offered: readonly string[];
  readonly asked: MechanismName | undefined;
  /** What the credentials are good for. */
  readonly serving: readonly Candidate[];
  /** What the server offers of that. */
  readonly common: readonly Candidate[];
}

/** All that is left of the server's offer is weaker than what was used before: that can be a change, or an attack. */
export function weaker({ offered }: Mismatch, strongest: MechanismName): Failure {
  return {
    ...BASE,
    permanent: false,
    status: '4.7.0',
    text: `Cannot log in: the server offers ${list(offered)}, and ${strongest} was used before`,
    advice: 'Somebody may stand between us and the server: where it has changed, name its mechanism once with --auth',
  };
}

/** There is no mechanism that both have and that may be used. */
export function unusable({ offered, asked, serving, common, unbound }: Mismatch & { unbound: boolean }): Failure {
  const failure = { ...BASE, permanent: true } as const;
  const server = offered.length === 0 ? 'the server offers no AUTH' : `the server offers ${list(offered)}`;
  if (serving.length === 0) {
    const lack = asked === undefined ? 'user and password are needed' : `${asked} needs a user and a password`;
    return { ...failure, status: '5.7.8', text: `Cannot log in: ${lack}`, advice: 'Give --password-file or the like' };
  }
  if (asked !== undefined && isBound(asked) && common.length > 0 && unbound) {
    const text = `Cannot log in: ${asked} binds the login to TLS, and there is nothing here that it could be bound to`;
    return { ...failure, status: '5.7.11', text, advice: ENCRYPT };
  }
  if (common.length > 0) {
    const text = `Cannot log in: the connection is not encrypted, and ${server}`;
    return { ...failure, status: '5.7.11', text, advice: ENCRYPT };
  }
  const ours =
    asked === undefined
      ? `the credentials serve for ${list(serving.map(({ name }) => name).filter((name) => !isBound(name)))}`
      : `${asked} was asked for`;
  const advice = adviseMechanism(offered, asked);
  return {
    ...failure,
    status: '5.7.4',
    text: `Cannot log in: ${server}, ${ours}`,
    ...(advice === undefined ? {} : { advice }),
  };
}

function adviseMechanism(offered: readonly string[], asked: MechanismName | undefined): string | undefined {
  if (offered.length === 0) return 'Servers often offer AUTH only behind TLS, or on the submission ports 465 and 587';
  if (asked !== undefined) return 'Leave --auth out to use the best that both have';
  const token = ['OAUTHBEARER', 'XOAUTH2'].find((name) => offered.includes(name));
  return token === undefined ? undefined : `Where the password is an access token, say --auth ${token}`;
}

/** At most eight names of the form of RFC 4422, section 3.1; the others are only counted. */
function list(names: readonly string[]): string {
  const shown = names.filter((name) => /^[A-Z0-9_-]{1,20}$/.test(name)).slice(0, 8);
  const others = names.length - shown.length;
  if (others === 0) return shown.join(', ');
  return shown.length === 0 ? `${others} unknown mechanisms` : `${shown.join(', ')} and ${others} more`;
}
