import type { MechanismName } from '../mail/mechanism.ts';
import type { Reply } from '../mail/reply.ts';
import type { Failure } from '../mail/result.ts';
import { halted, refused, unusable, weaker } from './auth-failure.ts';
import { ask, type Dialogue } from './dialogue.ts';
import { decodeBase64 } from './sasl/base64.ts';
import type { ChannelBinding } from './sasl/binding.ts';
import { type Attempt, attemptsOf, beginExchange, serving } from './sasl/choose.ts';
import { type Credentials, type Exchange, type Halt, halt } from './sasl/exchange.ts';
import { isBound, strengthOf } from './sasl/names.ts';

/*
 * Logging in to a relay (AUTH, RFC 4954). The mechanisms themselves are in `sasl/`, pure exchanges of bytes; here they
 * are chosen and carried in AUTH, 334 and 235.
 *
 * 1. Of what the server offers and the credentials serve, the best is taken, or the one asked for by name. On a
 *    connection that is not encrypted nothing is used that was not asked for by name.
 * 2. The first message goes with AUTH where the mechanism has one. Every payload is marked as secret: the wire hides it
 *    from the transcript, and strikes it out where a reply repeats it.
 * 3. A 235 counts only when the mechanism is done: behind SCRAM's proof of the server, behind the password of LOGIN.
 *    What can't be understood is cancelled with `*`. Rounds end by themselves, as no mechanism has more than three.
 * 4. A mechanism that the server offers and then does not know (504) is passed over, and a channel binding that it
 *    refuses before there was a proof; no other refusal is, as a wrong password is not to be tried twice.
 * 5. What is weaker than the account was used with before is not taken, but when it is asked for by name: somebody in
 *    the middle could have struck the better ones from the offer.
 *
 * Every failure is the host's, at the stage `auth`. A broken wire is thrown through (WireError).
 */
export interface AuthOptions {
  readonly encrypted: boolean;
  /** The only one to use; the permission to use it in the clear as well. */
  readonly mechanism?: MechanismName;
  /** 24 random characters or more, printable, without a comma. */
  readonly nonce: string;
  /** The host and port that were asked for, told to the server by OAUTHBEARER. */
  readonly endpoint?: { readonly host: string; readonly port: number };
  /** What the connection can be bound by, best first. */
  readonly bindings?: readonly ChannelBinding[];
  /** The strongest mechanism that this account was used with. */
  readonly strongest?: MechanismName;
  /** Is told which one was used. */
  readonly onLogin?: (mechanism: MechanismName) => void;
}

/** Octets of a command line without its CRLF (RFC 5321, section 4.5.3.1.4, which RFC 4954, section 4 keeps for AUTH). */
const MAX_COMMAND = 510;
/** Octets of a challenge or a response (RFC 4954, section 4). */
const MAX_LINE = 12_288;

const TOO_LONG = halt('credentials', 'user and password, or the token, are too long');
const NOTHING = Buffer.alloc(0);

/** Logs in; undefined is success. */
export function* authenticate(
  credentials: Credentials,
  offered: readonly string[],
  options: AuthOptions,
): Dialogue<Failure | undefined> {
  const candidates = serving(credentials, options.mechanism);
  const names = new Set(offered.map((name) => name.toUpperCase()));
  const common = candidates.filter(({ name }) => names.has(name));
  const attempts = attemptsOf(common, options.bindings ?? [], names);
  const allowed = options.encrypted || options.mechanism !== undefined ? attempts : [];
  const strong = options.mechanism === undefined ? allowed.filter(isAsStrong(options.strongest)) : allowed;
  const user = credentials.user ?? '';
  // A 0x01 ends a field of XOAUTH2, a NUL one of PLAIN.
  if (/[\x00-\x1f\x7f]/.test(user)) return halted(halt('credentials', 'the user name has a control character'));
  if (/[\0\r\n]/.test(credentials.password ?? '')) return halted(halt('credentials', 'the password has CR, LF or NUL'));

  const offer = { offered: [...names], asked: options.mechanism, serving: candidates, common };
  let failure =
    strong.length < allowed.length && options.strongest !== undefined
      ? weaker(offer, options.strongest)
      : unusable({ ...offer, unbound: options.bindings?.length === 0 || options.bindings === undefined });
  const unknown = new Set<Attempt['channel']>();
  for (const { name, secret, channel } of strong) {
    if (unknown.has(channel)) continue;
    const end = yield* carry(name, beginExchange(name, { ...options, user, secret, channel }));
    if (end.kind === 'done') {
      options.onLogin?.(name);
      return undefined;
    }
    failure = end.kind === 'refused' ? refused(name, end.reply) : halted(end.halt, name);
    if (!end.begun || (end.kind === 'refused' && end.reply.code === 504)) continue;
    if (!isBound(name) || !isAboutBinding(end)) return failure;
    unknown.add(channel);
  }
  return failure;
}

const isAsStrong =
  (strongest: MechanismName | undefined) =>
  ({ name }: Attempt): boolean =>
    (strengthOf(name) ?? Number.POSITIVE_INFINITY) >= ((strongest && strengthOf(strongest)) ?? 0);

/** The server said no before it could know anything of the password, or says what it does not know. */
const isAboutBinding = (end: End): boolean =>
  end.kind === 'refused' ? !end.proved && end.reply.code >= 500 : end.kind === 'halted' && end.halt.fault === 'binding';

/** How an exchange ended; it is begun when the server was told something of it. */
type End =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reply: Reply; readonly begun: true; readonly proved: boolean }
  | { readonly kind: 'halted'; readonly halt: Halt; readonly begun: boolean };

/** Carries one exchange to its end. */
function* carry(name: MechanismName, exchange: Exchange): Dialogue<End> {
  let step = exchange.next(NOTHING);
  if (step.done) return { kind: 'halted', halt: step.value, begun: false };

  const first = step.value.bytes?.toString('base64');
  if ((first?.length ?? 0) > MAX_LINE) return { kind: 'halted', halt: TOO_LONG, begun: false };
  const opening = `AUTH ${name}`;
  const fits = first !== undefined && opening.length + 1 + first.length <= MAX_COMMAND;
  let reply = yield* fits ? ask(`${opening} ${first || '='}`, 'auth', `${opening} `) : ask(opening, 'auth');
  // The server asks for what did not fit with a challenge that is empty.
  if (first !== undefined && !fits && reply.code === 334) reply = yield* respond(first);

  let proved = false;
  while (reply.code === 334) {
    const challenge = readChallenge(reply);
    if (challenge === undefined) return yield* cancel(halt('protocol', 'the challenge is not base64'));
    step = exchange.next(challenge);
    if (step.done) return yield* cancel(step.value);
    const payload = step.value.bytes?.toString('base64') ?? '';
    if (payload.length > MAX_LINE) return yield* cancel(TOO_LONG);
    reply = yield* respond(payload);
    proved = true;
  }
  if (reply.code !== 235) return { kind: 'refused', reply, begun: true, proved };
  if (step.value.last) return { kind: 'done' };
  return { kind: 'halted', halt: halt('server', 'the server said yes before the exchange was over'), begun: true };
}

const respond = (payload: string): Dialogue<Reply> => ask(payload, 'auth', '');

/** RFC 4954, section 4: a line with nothing but `*`, answered with 501; the session is not used any more either way. */
function* cancel(reason: Halt): Dialogue<End> {
  yield* ask('*', 'auth');
  return { kind: 'halted', halt: reason, begun: true };
}

function readChallenge(reply: Reply): Buffer | undefined {
  const [text = '', ...more] = reply.lines;
  return more.length === 0 && text.length <= MAX_LINE ? decodeBase64(text) : undefined;
}
