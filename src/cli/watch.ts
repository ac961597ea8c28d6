import type { RecordData, RecordType, Resolver } from '../dns/resolver.ts';
import type { Message } from '../message/message.ts';
import type { Source } from '../message/source.ts';
import { createTranscript, type Transcript } from '../net/transcript.ts';
import type { World } from '../world.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Output } from './surroundings.ts';

/* What a person sees while it goes on: the transcript of `-v`, the look-ups of `-vv`, or a progress line. */

export interface Watch {
  readonly transcript?: (destination: string) => Transcript;
  readonly progress?: Progress;
  /** Lines of `-vv`. */
  note?(text: string): void;
}

export interface WatchOptions {
  /** How often `-v` was given. */
  readonly verbose: number;
  readonly json: boolean;
  readonly monotonic: () => number;
  /** The names of all destinations; where there are several, each line names its own. */
  readonly destinations: readonly string[];
}

export async function createWatch(stderr: Output, options: WatchOptions): Promise<Watch> {
  const { verbose, json, monotonic, destinations } = options;
  if (verbose > 0) {
    const width = Math.max(...destinations.map((name) => name.length));
    const prefix = (name: string): string => (destinations.length > 1 ? `${name.padEnd(width)} ` : '');
    return {
      transcript(name) {
        const sink = (text: string): void => stderr.write(`${prefix(name)}${text}\n`);
        return createTranscript({ monotonic, keep: 0, sink });
      },
      ...(verbose > 1 ? { note: (text: string) => stderr.write(`${text}\n`) } : {}),
    };
  }
  if (json || !(await stderr.isTerminal())) return {};
  return { progress: createProgress({ write: (text) => stderr.write(text), monotonic, columns: stderr.columns() }) };
}

/** The world with a resolver that tells of each look-up. */
export function tracedWorld(world: World, note: (text: string) => void): World {
  const resolver: Resolver = {
    async resolve(name, type) {
      const answer = await world.resolver.resolve(name, type);
      note(`dns ${name} ${type}: ${describe(answer)}`);
      return answer;
    },
  };
  return { ...world, resolver };
}

function describe(answer: Awaited<ReturnType<Resolver['resolve']>>): string {
  switch (answer.kind) {
    case 'found':
      return `${answer.records.map(recordText).join(' ')} (TTL ${answer.ttl} s)`;
    case 'nothing':
      return answer.exists ? 'no such record' : 'no such name';
    case 'unknown':
      return answer.text;
  }
}

/** Digests in hex, as people publish them; a whole certificate is cut short. */
function recordText(record: RecordData[RecordType]): string {
  if (typeof record === 'string' || !('data' in record)) return JSON.stringify(record);
  const hex = record.data.toString('hex');
  return `${record.usage} ${record.selector} ${record.matching} ${hex.length > 128 ? `${hex.slice(0, 128)}…` : hex}`;
}

/** The message with a body that tells how much of it has been read; one in memory is sent too fast to watch. */
export function watched(message: Message, progress: Progress): Message {
  if (message.body.bytes !== undefined) return message;
  let total = 0;
  let read = 0;
  const { body } = message;
  const counting: Source = {
    ...body,
    async *chunks() {
      total += body.size;
      for await (const chunk of body.chunks()) {
        yield chunk;
        read += chunk.length;
        progress.sent(read, total);
      }
    },
  };
  return { ...message, body: counting };
}
