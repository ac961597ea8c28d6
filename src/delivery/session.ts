/*
 * From a host's addresses to a session that can take a transaction: connect, greet, STARTTLS, log in.
 *
 * Twice a second connection to the same address is worth it: without TLS where TLS was only opportunistic and the
 * handshake failed (RFC 7435), and with HELO where the server hung up on EHLO. A failure says whether the server had
 * greeted us, since an attempt may greet only so many.
 */
import { randomBytes } from 'node:crypto';
import type { Ending } from '../mail/ending.ts';
import { isMechanism, type MechanismName } from '../mail/mechanism.ts';
import type { Failure, Peer, Stage } from '../mail/result.ts';
import { ConnectError, type Connection, type Target } from '../net/connection.ts';
import { type Channel, converse, openChannel } from '../net/converse.ts';
import type { Transcript } from '../net/transcript.ts';
import type { AuthOptions } from '../smtp/auth.ts';
import { command } from '../smtp/command.ts';
import { type Dialogue, flight, WireError } from '../smtp/dialogue.ts';
import type { Extensions } from '../smtp/extensions.ts';
import { type HelloPlan, hello, helloLiteral } from '../smtp/hello.ts';
import { judgeBroken } from '../smtp/judge.ts';
import type { Credentials, TokenSource } from '../smtp/sasl/exchange.ts';
import { type LoginMemory, strengthOf } from '../smtp/sasl/names.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import type { Protection } from './protect.ts';

export interface SessionPlan {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: 'smtp' | 'lmtp';
  /** Our name; absent: the literal of the address we connect from (RFC 5321, section 4.1.3). */
  readonly helloName?: string;
  readonly protection: Protection;
  readonly login?: Login;
  readonly timeouts: Partial<Readonly<Record<Stage, number>>>;
  /** Where from, and through what, the connection is made. */
  readonly network?: Pick<Target, 'source' | 'proxy'>;
  /** False: nothing is asked of the server's DSN, whether it has it or not. */
  readonly dsn?: boolean;
}

/** How to log in, and what is known of earlier logins. */
export interface Login {
  readonly credentials: Credentials;
  /** The only one to use. */
  readonly mechanism?: MechanismName;
  /** Absent: the world's. */
  readonly memory?: LoginMemory;
  /** Gives the token for the credentials. */
  readonly tokens?: TokenSource;
}

export interface SessionOptions {
  readonly signal?: Ending;
  readonly transcript?: Transcript;
}

export interface Session {
  readonly peer: Peer;
  readonly extensions: Extensions;
  /** Transactions that were run on it; some before this attempt began: it may have died since. */
  used: number;
  /** Transactions that may be run on it, whatever the server allows. */
  readonly most?: number;
  run<T>(dialogue: Dialogue<T>): Promise<T>;
  /** Gives the session back to where it came from, for another attempt; absent: it ends with this one. */
  readonly keep?: () => void;
  /** QUIT, without waiting. */
  quit(): Promise<void>;
  /** Forgets the connection; what was written still leaves. */
  close(): void;
}

export type Opening =
  | { readonly kind: 'open'; readonly session: Session }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly peer?: Peer; readonly greeted: boolean };

/** Never rejects but for a bug. */
export async function openSession(plan: SessionPlan, world: World, options: SessionOptions): Promise<Opening> {
  const { tokens } = plan.login ?? {};
  if (tokens === undefined) return tryTwice(plan, world, options);
  // Most logins have a password.
  const { withTokens } = await import('./bearer.ts');
  return withTokens(plan, tokens, { signal: options.signal, open: (ready) => tryTwice(ready, world, options) });
}

async function tryTwice(plan: SessionPlan, world: World, options: SessionOptions): Promise<Opening> {
  const first = await tryOnce(plan, world, options);
  const again = first.kind === 'failure' ? first.again : undefined;
  if (first.kind === 'open' || again === undefined || options.signal?.aborted === true) return first;
  return tryOnce(again, world, options);
}

type Try = Opening & { readonly again?: SessionPlan };

async function tryOnce(plan: SessionPlan & { verb?: 'HELO' }, world: World, options: SessionOptions): Promise<Try> {
  const connected = await dial(plan, world, options);
  if (connected.kind === 'failure') return connected;
  const { connection } = connected;
  const channel = openChannel(connection, {
    timeouts: plan.timeouts,
    monotonic: () => world.monotonic(),
    tls: plan.protection.plan,
    secrets: secretsOf(plan),
    ...options,
  });
  try {
    const greeted = await greet(plan, { connection, channel, world });
    if (greeted.kind === 'open') return greeted;
    channel.close();
    return greeted;
  } catch (error) {
    connection.destroy();
    if (!(error instanceof WireError)) throw error;
    const { peer } = connection;
    const again = another(plan, error, peer);
    const failure = { ...judgeBroken(error), host: peer.host, address: peer.address };
    const opening = { kind: 'failure', failure, peer, greeted: error.stage !== 'greeting' } as const;
    return again === undefined ? opening : { ...opening, again };
  }
}

function secretsOf({ login }: SessionPlan): readonly string[] {
  const { password, token } = login?.credentials ?? {};
  return [password, token].filter((secret) => secret !== undefined);
}

async function dial(
  plan: SessionPlan,
  world: World,
  options: SessionOptions,
): Promise<{ kind: 'connected'; connection: Connection } | (Opening & { kind: 'failure' })> {
  const { host, addresses, port, protection, network } = plan;
  const limits = { connectTimeout: stageLimit('connect', plan.timeouts), tlsTimeout: stageLimit('tls', plan.timeouts) };
  const implicitTls = protection.implicit ? { implicitTls: protection.plan } : {};
  try {
    const target = { host, addresses, port, ...limits, ...implicitTls, ...network };
    const connection = await world.connect(target, options.signal);
    return { kind: 'connected', connection };
  } catch (error) {
    if (error instanceof WireError)
      return { kind: 'failure', failure: { ...judgeBroken(error), host }, greeted: false };
    if (!(error instanceof ConnectError)) throw error;
    const advice = error.code === 'ETIMEDOUT' && port === 25 ? { advice: PORT_25 } : {};
    const where = { scope: 'host', permanent: false, stage: 'connect', status: '4.4.1' } as const;
    return { kind: 'failure', failure: { ...where, text: error.message, host, ...advice }, greeted: false };
  }
}

const PORT_25 = 'Many networks block port 25: if every host times out, send through a relay (--relay)';

/** The dialogue up to the first transaction. Throws WireError. */
async function greet(
  plan: SessionPlan & { verb?: 'HELO' },
  { connection, channel, world }: { readonly connection: Connection; readonly channel: Channel; readonly world: World },
): Promise<Opening> {
  const name = plan.helloName ?? helloLiteral(connection.localAddress);
  const verb: HelloPlan['verb'] = plan.protocol === 'lmtp' ? 'LHLO' : (plan.verb ?? 'EHLO');
  const hi = await converse(
    hello({ name, verb, startTls: plan.protection.startTls, requireTls: plan.protection.requireTls }),
    channel,
  );
  const { peer } = connection;
  const refused = (failure: Failure): Opening => ({
    kind: 'failure',
    failure: { ...failure, host: peer.host, address: peer.address },
    peer,
    greeted: failure.stage !== 'greeting',
  });
  if (hi.kind === 'refused') return refused(hi.failure);
  const session = sessionOver(
    connection,
    channel,
    plan.dsn === false ? { ...hi.extensions, dsn: false } : hi.extensions,
  );
  if (plan.login === undefined) return { kind: 'open', session };
  const { credentials, mechanism } = plan.login;
  const bindings = connection.bindings();
  // Most mail goes without a login, and need not wait for its rooms.
  const { authenticate } = await import('../smtp/auth.ts');
  const memory = plan.login.memory ?? (await world.logins?.());
  const failure = await converse(
    authenticate(credentials, hi.extensions.auth, {
      encrypted: peer.tls !== undefined,
      nonce: randomBytes(24).toString('base64url'),
      endpoint: { host: plan.host, port: plan.port },
      ...(mechanism === undefined ? {} : { mechanism }),
      ...(bindings.length === 0 ? {} : { bindings }),
      ...(memory === undefined ? {} : remembering(memory, `${plan.host}:${plan.port} ${credentials.user ?? ''}`)),
    }),
    channel,
  );
  if (failure === undefined) return { kind: 'open', session };
  await session.quit();
  return refused(failure);
}

/** The memory as the login asks it: what was asked for by name may be weaker than before, and is what counts then. */
function remembering(memory: LoginMemory, key: string): Pick<AuthOptions, 'strongest' | 'onLogin'> {
  const before = memory.strongest(key);
  const strongest = before !== undefined && isMechanism(before) ? before : undefined;
  return {
    ...(strongest === undefined ? {} : { strongest }),
    onLogin(used) {
      const strength = strengthOf(used);
      if (strength === undefined || (strongest !== undefined && strength === strengthOf(strongest))) return;
      memory.remember(key, used);
    },
  };
}

function sessionOver(connection: Connection, channel: Channel, extensions: Extensions): Session {
  return {
    peer: connection.peer,
    extensions,
    used: 0,
    run: (dialogue) => converse(dialogue, channel),
    async quit() {
      const part = { ...command('QUIT', 'quit'), reply: false };
      // The peer may be gone already; there is nothing left to lose.
      await converse(flight([part]), channel).catch(() => undefined);
      channel.close();
    },
    close: () => channel.close(),
  };
}

/** A second connection to the same address, where the first one only failed at something that can be left out. */
function another(plan: SessionPlan & { verb?: 'HELO' }, error: WireError, peer: Peer): SessionPlan | undefined {
  const same = { ...plan, addresses: [peer.address] };
  const { startTls } = plan.protection;
  if (error.stage === 'tls' && startTls === 'may') {
    return { ...same, protection: { ...plan.protection, startTls: 'never' } };
  }
  const hungUp = error.stage === 'ehlo' && (error.trouble === 'closed' || error.trouble === 'reset');
  const mayHelo = plan.protocol === 'smtp' && plan.verb === undefined && startTls !== 'must' && peer.tls === undefined;
  return hungUp && mayHelo ? { ...same, ...{ verb: 'HELO' as const } } : undefined;
}
