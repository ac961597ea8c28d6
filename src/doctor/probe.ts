import type { X509Certificate } from 'node:crypto';
import { isPositive, type Reply } from '../mail/reply.ts';
import type { Failure, TlsFacts } from '../mail/result.ts';
import { ConnectError, type ConnectFailure, type Connection, type Target } from '../net/connection.ts';
import { converse, openChannel } from '../net/converse.ts';
import { command } from '../smtp/command.ts';
import { ask, type Dialogue, flight, listen, startTls, WireError } from '../smtp/dialogue.ts';
import { type Extensions, NO_EXTENSIONS, readExtensions } from '../smtp/extensions.ts';
import { helloLiteral } from '../smtp/hello.ts';
import { judgeBroken } from '../smtp/judge.ts';
import type { World } from '../world.ts';

/** What a host says of itself, as far as it came. */
export interface HostFacts {
  /** Why no address answered, each. */
  readonly refusals?: readonly ConnectFailure[];
  /** The one that answered. */
  readonly address?: string;
  /** Ours. */
  readonly localAddress?: string;
  readonly greeting?: Reply;
  /** The last reply to EHLO. */
  readonly hello?: Reply;
  readonly offersStartTls?: boolean;
  readonly startTls?: Reply;
  readonly tls?: TlsFacts;
  /** The certificates that it showed, its own first. */
  readonly chain?: readonly X509Certificate[];
  /** Behind TLS, where there is any. */
  readonly extensions?: Extensions;
  /** What broke it off. */
  readonly trouble?: Failure;
}

/** A host of a domain, with what it said where it was talked to. */
export interface ShownHost {
  readonly name: string;
  readonly facts?: HostFacts;
}

export interface ProbePlan {
  /** Its certificate is looked at and not judged: nothing is told to the host that matters. */
  readonly target: Target;
  readonly protocol: 'smtp' | 'lmtp';
  readonly helloName?: string;
  readonly wantsTls: boolean;
  readonly tls: NonNullable<Target['implicitTls']>;
  /** Seconds. */
  readonly timeouts: Parameters<typeof openChannel>[1]['timeouts'];
}

/** Talks to a host up to its second EHLO, and takes leave. Never rejects but for a bug. */
export async function probeHost(plan: ProbePlan, world: Pick<World, 'connect' | 'monotonic'>): Promise<HostFacts> {
  let connection: Connection;
  try {
    connection = await world.connect(plan.target);
  } catch (error) {
    if (error instanceof ConnectError) return { refusals: error.attempts };
    if (error instanceof WireError) return { trouble: judgeBroken(error) };
    throw error;
  }
  const { localAddress } = connection;
  const base = { address: connection.peer.address, ...(localAddress === undefined ? {} : { localAddress }) };
  const channel = openChannel(connection, {
    timeouts: plan.timeouts,
    monotonic: () => world.monotonic(),
    tls: plan.tls,
  });
  const seen: Seen = {};
  const name = plan.helloName ?? helloLiteral(localAddress);
  try {
    await converse(
      survey({ name, verb: plan.protocol === 'lmtp' ? 'LHLO' : 'EHLO', wantsTls: plan.wantsTls }, seen),
      channel,
    );
    channel.close();
  } catch (error) {
    connection.destroy();
    if (!(error instanceof WireError)) throw error;
    seen.trouble = judgeBroken(error);
  }
  // It grows while TLS is begun.
  const { tls } = connection.peer;
  return { ...base, ...seen, ...(tls === undefined ? {} : { tls, chain: connection.chain() }) };
}

type Seen = { -readonly [K in keyof HostFacts]: HostFacts[K] };

interface Survey {
  readonly name: string;
  readonly verb: 'EHLO' | 'LHLO';
  readonly wantsTls: boolean;
}

/** Writes down each reply as it comes, so that what was seen before the wire broke is kept. */
function* survey({ name, verb, wantsTls }: Survey, seen: Seen): Dialogue<void> {
  seen.greeting = yield* listen('greeting');
  if (seen.greeting.code !== 220) return yield* quit();
  seen.hello = yield* ask(command(`${verb} ${name}`, 'ehlo').line, 'ehlo');
  if (!isPositive(seen.hello) && verb === 'EHLO') {
    seen.hello = yield* ask(command(`HELO ${name}`, 'ehlo').line, 'ehlo');
    seen.extensions = NO_EXTENSIONS;
    seen.offersStartTls = false;
    return yield* quit();
  }
  seen.extensions = readExtensions(seen.hello);
  seen.offersStartTls = seen.extensions.startTls;
  if (!wantsTls || !seen.offersStartTls) return yield* quit();
  seen.startTls = yield* ask('STARTTLS', 'starttls');
  if (seen.startTls.code !== 220) return yield* quit();
  yield* startTls();
  seen.hello = yield* ask(command(`${verb} ${name}`, 'ehlo').line, 'ehlo');
  seen.extensions = readExtensions(seen.hello);
  yield* quit();
}

function* quit(): Dialogue<void> {
  yield* flight([{ ...command('QUIT', 'quit'), reply: false }]);
}

/** The address that a server says it sees us at, in its reply to EHLO; else our own, where the network knows it. */
export function addressSeen({ hello, localAddress, address }: HostFacts): string | undefined {
  const [first = ''] = hello?.lines ?? [];
  const told = /\[(?:IPv6:)?([0-9a-f.:]{3,45})\]/i.exec(first.slice(0, 500))?.[1];
  return told !== undefined && told !== address ? told : localAddress;
}
