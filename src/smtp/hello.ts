import { isPositive, type Reply } from '../mail/reply.ts';
import type { Failure, Stage } from '../mail/result.ts';
import { command } from './command.ts';
import { ask, type Dialogue, flight, listen, startTls } from './dialogue.ts';
import { type Extensions, NO_EXTENSIONS, readExtensions } from './extensions.ts';
import { judge, unexpected } from './judge.ts';

/** How to open a session. */
export interface HelloPlan {
  /** An FQDN or an address literal. */
  readonly name: string;
  /** `HELO`: the server hung up on EHLO before. */
  readonly verb: 'EHLO' | 'HELO' | 'LHLO';
  /** STARTTLS: not at all, where it is offered, or else no session. */
  readonly startTls: 'never' | 'may' | 'must';
  /** The message asks for TLS on its whole way (RFC 8689): a server without it will never do. */
  readonly requireTls?: boolean;
}

export type Hello =
  | { readonly kind: 'ready'; readonly extensions: Extensions }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** From the greeting to a session that can take a transaction: EHLO, STARTTLS, EHLO again (RFC 5321, 3.1; RFC 3207). */
export function* hello(plan: HelloPlan): Dialogue<Hello> {
  const greeting = yield* listen('greeting');
  if (greeting.code !== 220) return yield* refuse('greeting', greeting);
  const first = yield* introduce(plan);
  if (first.kind === 'refused' || plan.startTls === 'never') return first;
  if (!first.extensions.startTls) {
    return plan.startTls === 'may' ? first : yield* noTls(plan, 'STARTTLS is not offered');
  }
  const reply = yield* ask('STARTTLS', 'starttls');
  if (reply.code !== 220) {
    return plan.startTls === 'may' && reply.code !== 421 ? first : yield* refuse('starttls', reply);
  }
  yield* startTls();
  // What was said in the clear is forgotten (RFC 3207, section 4.2).
  return yield* introduce({ ...plan, startTls: 'must' });
}

/** The codes that say "I do not know EHLO" (RFC 5321, section 3.2; 550 is what some gateways answer). */
const NO_EHLO = [500, 501, 502, 504, 550];

function* introduce(plan: HelloPlan): Dialogue<Hello> {
  const reply = yield* ask(command(`${plan.verb} ${plan.name}`, 'ehlo').line, 'ehlo');
  if (isPositive(reply)) {
    return { kind: 'ready', extensions: plan.verb === 'HELO' ? NO_EXTENSIONS : readExtensions(reply) };
  }
  if (plan.verb !== 'EHLO' || !NO_EHLO.includes(reply.code)) return yield* refuse('ehlo', reply);
  if (plan.startTls === 'must') return yield* noTls(plan, 'EHLO is refused, so there is no STARTTLS', reply);
  return yield* introduce({ ...plan, verb: 'HELO' });
}

function* noTls(plan: HelloPlan, why: string, reply?: Reply): Dialogue<Hello> {
  yield* quit();
  const base = { scope: 'host', stage: 'starttls', text: `TLS is required, but ${why}` } as const;
  const said = reply === undefined ? base : { ...base, reply };
  const failure: Failure =
    plan.requireTls === true
      ? { ...said, permanent: true, status: '5.7.30' }
      : { ...said, permanent: false, status: '4.7.4', advice: LESS };
  return { kind: 'refused', failure };
}

const LESS = 'Where the way to this server can be trusted, --tls may or --tls none goes on without';

const quit = (): Dialogue<readonly Reply[]> => flight([{ ...command('QUIT', 'quit'), reply: false }]);

/** Says QUIT without waiting for its reply, and judges. */
function* refuse(stage: Stage, reply: Reply): Dialogue<Hello> {
  yield* quit();
  return { kind: 'refused', failure: reply.code < 400 ? unexpected(stage, reply) : judge(stage, reply) };
}

/** Our address as EHLO takes it where we have no name (RFC 5321, section 4.1.3). */
export function helloLiteral(address: string | undefined): string {
  if (address === undefined) return '[127.0.0.1]';
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}
