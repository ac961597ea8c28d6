import { followChain, MAX_HOPS, READ_DATA, type WireRecord } from './answer.ts';
import type { Ask, Question } from './ask.ts';
import { isAskable, normalName } from './name.ts';
import { RCODE } from './packet.ts';
import type { Answer, RecordData, RecordType, Resolver } from './resolver.ts';
import { createSlots } from './slots.ts';

type Outcome = Answer<WireRecord>;

/** An outcome with the seconds for which it may be used again. */
interface Lasting {
  readonly outcome: Outcome;
  readonly seconds: number;
}

export interface StubOptions {
  readonly ask: Ask;
  /** Milliseconds for one look-up, its CNAMEs and all servers included, from the time its turn has come. */
  readonly limit: number;
  /** Milliseconds on a clock that never jumps. */
  now(): number;
}

// A socket each: 5,000 domains at once are 16 sockets.
const MAX_ASKING = 16;
// About 1 MB at most, with the usual few records an answer.
const MAX_CACHED = 2000;
// Long enough for a run, short enough for one that retries for days.
const MAX_TTL = 3600;
const MAX_NEGATIVE_TTL = 300;
// So that the recipients of one domain share a failure, and a retry does not.
const FAILURE_TTL = 5;

/** The resolver over `ask`: follows CNAMEs, remembers answers by their TTL, shares and bounds what is under way. */
export function createStub({ ask, limit, now }: StubOptions): Resolver {
  const cache = new Map<string, Lasting & { readonly since: number }>();
  const pending = new Map<string, Promise<Outcome>>();
  const slots = createSlots(MAX_ASKING);

  const remember = (key: string, lasting: Lasting): void => {
    if (lasting.seconds <= 0) return;
    const oldest = cache.keys().next();
    if (cache.size >= MAX_CACHED && !oldest.done) cache.delete(oldest.value);
    cache.set(key, { ...lasting, since: now() });
  };

  const recall = (key: string): Outcome | undefined => {
    const entry = cache.get(key);
    if (entry === undefined) return undefined;
    const age = (now() - entry.since) / 1000;
    if (age < entry.seconds) return aged(entry.outcome, Math.floor(age));
    cache.delete(key);
    return undefined;
  };

  const lookUp = async (question: Question, key: string): Promise<Outcome> => {
    const lasting = await slots.run(() => chase(ask, question, now() + limit));
    remember(key, lasting);
    pending.delete(key);
    return lasting.outcome;
  };

  const outcomeOf = (question: Question): Promise<Outcome> => {
    const key = `${question.type} ${question.name}`;
    const known = recall(key);
    if (known !== undefined) return Promise.resolve(known);
    const running = pending.get(key);
    if (running !== undefined) return running;
    const started = lookUp(question, key);
    pending.set(key, started);
    return started;
  };

  return {
    async resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>> {
      const normal = normalName(name);
      // What can't be asked for can't be there.
      if (!isAskable(normal)) return { kind: 'nothing', exists: false, authentic: false };
      return typed(await outcomeOf({ name: normal, type }), type);
    },
  };
}

/** Asks, and asks again for the end of a chain of CNAMEs that the answer did not follow to its end. */
async function chase(ask: Ask, question: Question, deadline: number): Promise<Lasting> {
  const visited = new Set<string>();
  let { name } = question;
  let hops = 0;
  let authentic = true;
  let ttl = MAX_TTL;
  while (hops <= MAX_HOPS && !visited.has(name)) {
    visited.add(name);
    const asked = await ask({ name, type: question.type }, deadline);
    if (asked.kind === 'unknown') return { outcome: asked, seconds: FAILURE_TTL };
    const { reply } = asked;
    authentic &&= asked.authentic;
    const chain = followChain(reply.records, name, question.type);
    if (chain.kind === 'loop') break;
    ttl = Math.min(ttl, chain.ttl);
    if (chain.kind === 'records') {
      const outcome = { kind: 'found', records: chain.records, name: chain.name, ttl, authentic } as const;
      return { outcome, seconds: ttl };
    }
    const exists = reply.code !== RCODE.noName;
    if (chain.hops === 0 || !exists) {
      const seconds = Math.min(ttl, reply.negativeTtl ?? 0, MAX_NEGATIVE_TTL);
      return { outcome: { kind: 'nothing', exists, authentic }, seconds };
    }
    hops += chain.hops;
    name = chain.name;
    // A server may point to what can't be a name at all.
    if (!isAskable(name)) return { outcome: { kind: 'nothing', exists: false, authentic }, seconds: FAILURE_TTL };
  }
  const text = hops > MAX_HOPS ? 'the chain of CNAMEs is too long' : 'the CNAMEs go round in a loop';
  return { outcome: { kind: 'unknown', text }, seconds: FAILURE_TTL };
}

const aged = (outcome: Outcome, seconds: number): Outcome =>
  outcome.kind === 'found' ? { ...outcome, ttl: outcome.ttl - seconds } : outcome;

function typed<T extends RecordType>(outcome: Outcome, type: T): Answer<RecordData[T]> {
  if (outcome.kind !== 'found') return outcome;
  const records: RecordData[T][] = [];
  for (const record of outcome.records) {
    const value = READ_DATA[type](record);
    if (value !== undefined) records.push(value);
  }
  return { ...outcome, records };
}
