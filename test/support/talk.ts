/** Runs a dialogue against a scripted server over a real socket. */
import type { Message } from '../../src/message/message.ts';
import { memorySource, type Source } from '../../src/message/source.ts';
import { connect } from '../../src/net/connect.ts';
import { converse, openChannel } from '../../src/net/converse.ts';
import { createTranscript } from '../../src/net/transcript.ts';
import type { WireOptions } from '../../src/net/wire.ts';
import { type Dialogue, WireError } from '../../src/smtp/dialogue.ts';
import type { TlsPlan } from '../../src/tls/policy.ts';
import { type ScriptedServerOptions, startScriptedServer } from './scripted-server.ts';

export interface TalkOptions {
  readonly server?: ScriptedServerOptions;
  readonly channel?: Partial<WireOptions>;
  readonly implicitTls?: TlsPlan;
  /** The name that is connected to. */
  readonly host?: string;
}

export interface Talked<T> {
  /** What the dialogue returned; or the error that it did not catch. */
  readonly value?: T;
  readonly error?: WireError;
  /** The bodies that the server received. */
  readonly messages: readonly Buffer[];
  /** The transcript without its times. */
  readonly transcript: readonly string[];
}

export async function talk<T>(script: string, dialogue: Dialogue<T>, options: TalkOptions = {}): Promise<Talked<T>> {
  const server = await startScriptedServer([script], options.server);
  const monotonic = (): number => performance.now();
  const transcript = createTranscript({ monotonic });
  const outcome: { value?: T; error?: WireError } = {};
  try {
    const connection = await connect({
      host: options.host ?? 'mx.test',
      addresses: ['127.0.0.1'],
      port: server.port,
      connectTimeout: 5_000,
      tlsTimeout: 5_000,
      ...(options.implicitTls === undefined ? {} : { implicitTls: options.implicitTls }),
    });
    const channel = openChannel(connection, { timeouts: {}, monotonic, transcript, ...options.channel });
    try {
      outcome.value = await converse(dialogue, channel);
    } finally {
      channel.close();
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    outcome.error = error;
  }
  await server.close();
  const lines = transcript.lines().map((line) => line.slice(7).trim());
  return { ...outcome, messages: server.messages, transcript: lines };
}

/** A message of a small header and this body, which is in memory, or streamed where it is a source. */
export function messageOf(body: string | Source, size?: number): Message {
  const header = Buffer.from('Subject: hi\r\n\r\n');
  const source = typeof body === 'string' ? memorySource(Buffer.from(body)) : body;
  const facts = { eightBitHeader: false, eightBitBody: false, longestLine: 78, nul: false };
  return { header, body: source, facts: { ...facts, size: size ?? header.length + source.size } };
}

/** A body that is read in pieces. */
export function streamed(chunks: readonly Buffer[], failure?: Error): Source {
  return {
    size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    async *chunks() {
      for (const chunk of chunks) {
        await new Promise((resolve) => setImmediate(resolve));
        yield chunk;
      }
      if (failure !== undefined) throw failure;
    },
  };
}
