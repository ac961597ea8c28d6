/**
 * Carries dialogues over a connection: performs each step that a dialogue yields and resumes it with the replies.
 *
 *     const channel = openChannel(await connect(target), { timeouts, monotonic, tls: plan, transcript });
 *     const greeted = await converse(hello(plan), channel);
 *     const outcome = await converse(transaction(plan), channel);
 *     channel.close();
 *
 * Any number of dialogues run over one channel, one at a time. What breaks the wire is thrown into the dialogue as a
 * WireError and destroys the connection; a dialogue that goes on after it gets the same error again. `net/wire` reads,
 * `net/send` writes.
 */
import type { Reply } from '../mail/reply.ts';
import type { Stage } from '../mail/result.ts';
import { type Dialogue, type Step, WireError } from '../smtp/dialogue.ts';
import type { Connection } from './connection.ts';
import { sendFlight } from './send.ts';
import { peerText, tlsTexts } from './transcript.ts';
import { Wire, type WireOptions } from './wire.ts';

/** A connection between dialogues. */
export interface Channel {
  readonly wire: Wire;
  broken: WireError | undefined;
  /** Forgets the connection; what was written still leaves. */
  close(): void;
}

export function openChannel(connection: Connection, options: WireOptions): Channel {
  const { signal, transcript } = options;
  const abort = (): void => connection.destroy();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  transcript?.note(peerText(connection.peer));
  noteTls(connection, options);
  return {
    wire: new Wire(connection, options),
    broken: undefined,
    close() {
      signal?.removeEventListener('abort', abort);
      if (this.broken === undefined) connection.finish();
      else connection.destroy();
    },
  };
}

/** Runs the dialogue to its end. Rejects with what the dialogue throws: a WireError that it does not catch. */
export async function converse<T>(dialogue: Dialogue<T>, channel: Channel): Promise<T> {
  let step = dialogue.next([]);
  while (step.done !== true) {
    let replies: readonly Reply[];
    try {
      replies = await perform(channel, step.value);
    } catch (error) {
      breakWire(channel, error);
      step = dialogue.throw(error);
      continue;
    }
    step = dialogue.next(replies);
  }
  return step.value;
}

async function perform({ wire, broken }: Channel, step: Step): Promise<readonly Reply[]> {
  if (broken !== undefined) {
    throw new WireError(broken.message, { trouble: broken.trouble, stage: stageOf(step), cause: broken });
  }
  switch (step.kind) {
    case 'listen':
      return [await wire.reply({ stage: step.stage, replies: [], ended: false })];
    case 'flight':
      return sendFlight(wire, step.parts);
    case 'tls':
      await startTls(wire);
      return [];
  }
}

async function startTls(wire: Wire): Promise<void> {
  const { connection, options } = wire;
  if (options.tls === undefined) throw new Error('Cannot start TLS: the channel has no plan for it');
  await wire.refuseUnasked('tls');
  await connection.startTls(options.tls, wire.limit('tls'));
  noteTls(connection, options);
}

function noteTls({ peer }: Connection, { transcript }: WireOptions): void {
  if (peer.tls !== undefined) for (const text of tlsTexts(peer.tls)) transcript?.note(text);
}

function breakWire(channel: Channel, error: unknown): void {
  const { connection, options } = channel.wire;
  connection.destroy();
  if (!(error instanceof WireError) || channel.broken !== undefined) return;
  channel.broken = error;
  options.transcript?.note(error.message);
}

function stageOf(step: Step): Stage {
  if (step.kind === 'listen') return step.stage;
  if (step.kind === 'tls') return 'tls';
  const [part] = step.parts;
  return part === undefined ? 'quit' : part.kind === 'body' ? 'body' : part.stage;
}
