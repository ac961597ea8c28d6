import { withPort } from '../net/local-address.ts';
import type { ServerReply } from './answer.ts';
import { RCODE } from './packet.ts';
import { isTrusted, type Server, type ServerSettings } from './resolv-conf.ts';
import type { RecordType } from './resolver.ts';

export interface Question {
  /** Askable, lower case, without a final dot. */
  readonly name: string;
  readonly type: RecordType;
}

/** How one server is asked once. */
export interface Manner {
  readonly transport: 'udp' | 'tcp';
  readonly hasEdns: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What came of asking one server once. */
export type Exchanged =
  | { readonly kind: 'reply'; readonly reply: ServerReply }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'silence' }
  /** `text` goes on after the server's name: `answered SERVFAIL`. */
  | { readonly kind: 'trouble'; readonly text: string };

/** Asks one server once; never rejects, and is over after the time-out. */
export type Exchange = (server: Server, question: Question, manner: Manner) => Promise<Exchanged>;

export type Asked =
  | { readonly kind: 'reply'; readonly reply: ServerReply; readonly authentic: boolean }
  | { readonly kind: 'unknown'; readonly text: string };

/** The deadline has come. */
interface Over {
  readonly kind: 'over';
  readonly text: string;
}

/** Asks the servers one after the other until one has an answer; `deadline` is a time of the clock `now`. */
export type Ask = (question: Question, deadline: number) => Promise<Asked>;

const CODE_NAMES: Readonly<Record<number, string>> = {
  [RCODE.format]: 'FORMERR',
  [RCODE.server]: 'SERVFAIL',
  [RCODE.notImplemented]: 'NOTIMP',
  [RCODE.refused]: 'REFUSED',
  [RCODE.version]: 'BADVERS',
};

export interface AskOptions extends ServerSettings {
  readonly exchange: Exchange;
  /** Milliseconds on a clock that never jumps. */
  now(): number;
  /** The place of the first server to ask where `rotate` is set; 0 or more. */
  readonly start: number;
}

/**
 * All servers, `attempts` times: the next one on silence, SERVFAIL, REFUSED and whatever can't be used. A server that was
 * silent is asked after the others from then on, so that a dead one costs its time-out once.
 */
export function createAsk(options: AskOptions): Ask {
  const { servers, attempts, exchange, now } = options;
  const silent = new Set<Server>();
  const withoutEdns = new Set<Server>();
  let turn = options.start;

  const askOne = async (server: Server, question: Question, deadline: number): Promise<Asked | Over> => {
    // Some fire walls drop what has OPT in it: a server that was silent is asked without (RFC 6891, section 6.2.2).
    let manner: Omit<Manner, 'timeout'> = {
      transport: options.useTcp ? 'tcp' : 'udp',
      hasEdns: !withoutEdns.has(server) && !silent.has(server),
    };
    // At most: once with OPT, once without, once over TCP.
    for (let step = 0; step < 3; step += 1) {
      const timeout = Math.min(options.timeout, deadline - now());
      const outcome: Exchanged =
        timeout >= 1 ? await exchange(server, question, { ...manner, timeout }) : { kind: 'silence' };
      switch (outcome.kind) {
        case 'silence':
          // Timers may be early by a little, so the clock alone does not tell that the deadline cut this short.
          if (timeout < options.timeout) return { kind: 'over', text: `${nameOf(server)} timed out` };
          silent.add(server);
          return { kind: 'unknown', text: `${nameOf(server)} timed out` };
        case 'trouble':
          return { kind: 'unknown', text: `${nameOf(server)} ${outcome.text}` };
        case 'truncated':
          manner = { ...manner, transport: 'tcp' };
          break;
        case 'reply': {
          // It may be OPT that was not answered, and asking with it again would cost a time-out each.
          if (silent.delete(server) && !manner.hasEdns) withoutEdns.add(server);
          const { reply } = outcome;
          if (manner.hasEdns && refusesEdns(reply.code)) {
            withoutEdns.add(server);
            manner = { ...manner, hasEdns: false };
            break;
          }
          const trouble = troubleOf(reply);
          if (trouble !== undefined) return { kind: 'unknown', text: `${nameOf(server)} ${trouble}` };
          return { kind: 'reply', reply, authentic: reply.isAuthentic && isTrusted(server, options) };
        }
      }
    }
    return { kind: 'unknown', text: `${nameOf(server)} gave no whole answer` };
  };

  return async (question, deadline) => {
    const order = inTurn(servers, options.rotate ? turn : 0, silent);
    turn = (turn + 1) % Math.max(servers.length, 1);
    const troubles = new Map<Server, string>();
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      for (const server of order) {
        const asked = await askOne(server, question, deadline);
        if (asked.kind === 'reply') return asked;
        troubles.set(server, asked.text);
        if (asked.kind === 'over' || now() >= deadline) {
          return { kind: 'unknown', text: [...troubles.values()].join('; ') };
        }
      }
    }
    return { kind: 'unknown', text: [...troubles.values()].join('; ') || 'there is no name server' };
  };
}

function inTurn(servers: readonly Server[], turn: number, silent: ReadonlySet<Server>): Server[] {
  const first = turn % Math.max(servers.length, 1);
  const turned = [...servers.slice(first), ...servers.slice(0, first)];
  return [...turned.filter((server) => !silent.has(server)), ...turned.filter((server) => silent.has(server))];
}

const refusesEdns = (code: number): boolean =>
  code === RCODE.format || code === RCODE.notImplemented || code === RCODE.version;

/** Why a reply answers nothing: a refusal, or a referral, which a stub has no use for. */
function troubleOf(reply: ServerReply): string | undefined {
  if (reply.code === RCODE.noName) return undefined;
  if (reply.code !== RCODE.ok) return `answered ${CODE_NAMES[reply.code] ?? `with code ${reply.code}`}`;
  const isLame = !reply.canRecurse && !reply.isAuthoritative && reply.records.length === 0;
  return isLame ? 'knows nothing of it and does not look further' : undefined;
}

const nameOf = ({ address, port }: Server): string => (port === 53 ? address : withPort(address, port));
