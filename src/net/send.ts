/**
 * One flight: everything is written at once, and as many replies are read as its parts ask for.
 *
 * Commands and a message in memory are one write, whatever their number: a packet more costs a round trip where the
 * peer delays its ACKs. A larger message is written piece by piece as fast as the peer takes it; meanwhile replies are
 * read, so that both sides can't wait for each other (RFC 2920, section 3.1), and a refusal in the middle of the
 * message ends it. Where the message can't be read to its end, the connection is destroyed without the final dot.
 */
import type { Reply } from '../mail/reply.ts';
import type { Stage } from '../mail/result.ts';
import { type Part, WireError } from '../smtp/dialogue.ts';
import { createStuffer } from '../smtp/stuffing.ts';
import { expectTls } from './socket.ts';
import type { Progress, Wire } from './wire.ts';

type Body = Extract<Part, { kind: 'body' }>;

// The limit of stage `body` is for so much (RFC 5321, section 4.5.3.2.5, has it for one send call).
const BLOCK = 256 * 1024;
// A server that has refused the message in its middle reads on at once, or never.
const REFUSED_DRAIN = 5_000;

/** @throws {WireError} */
export async function sendFlight(wire: Wire, parts: readonly Part[]): Promise<readonly Reply[]> {
  const [first] = parts;
  if (first === undefined) return [];
  await refuseUnasked(wire, first);
  const writer = new FlightWriter(wire);
  for (const part of parts) {
    if (part.kind === 'command') writer.command(part);
    else await writer.body(part);
  }
  await writer.end();
  return readReplies(wire, writer);
}

async function refuseUnasked(wire: Wire, first: Part): Promise<void> {
  await wire.refuseUnasked(first.kind === 'body' ? 'body' : first.stage);
  if (first.kind === 'command' || first.form === 'plain') return;
  // The first turn of the event loop ends what the 354 came in, the second one has looked for more.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  await wire.refuseUnasked('body');
}

async function readReplies(wire: Wire, { awaited, ended }: FlightWriter): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  for (const stage of awaited) replies.push(await wire.reply({ stage, replies, ended }));
  return replies;
}

class FlightWriter {
  /** The stages whose replies the parts written so far ask for. */
  readonly awaited: Stage[] = [];
  /** The end of the message was handed over. */
  ended = false;
  readonly #wire: Wire;
  #gathered: Buffer[] = [];
  #inFlight = 0;
  /** How many replies are due before that to the message. */
  #before = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  command(part: Extract<Part, { kind: 'command' }>): void {
    this.#gathered.push(Buffer.from(`${part.line}\r\n`));
    if (part.reply) this.awaited.push(part.stage);
    const { transcript, tls } = this.#wire.options;
    if (part.secretAfter !== undefined) this.#wire.veil.hide(part.line.slice(part.secretAfter.length));
    transcript?.client(part.line, part.secretAfter);
    // Made while the server thinks.
    if (part.stage === 'starttls' && tls !== undefined) expectTls(tls);
  }

  async body(part: Body): Promise<void> {
    const { header, body, facts } = part.message;
    const stuffer = createStuffer(part.form);
    let octets = 0;
    this.#before = this.awaited.length;
    const gather = (bytes: Buffer): void => {
      octets += bytes.length;
      // More than announced would be read as commands.
      if (part.form === 'plain' && octets > facts.size) throw new Error('it is longer than it was');
      if (bytes.length > 0) this.#gathered.push(bytes);
    };
    try {
      gather(stuffer.push(header));
      if (body.bytes !== undefined) gather(stuffer.push(body.bytes));
      else {
        for await (const chunk of body.chunks()) {
          gather(stuffer.push(chunk));
          // What completes the chunk for the server leaves only when the source has nothing more.
          if (part.form === 'dots' || octets < facts.size) await this.#write();
        }
      }
      gather(stuffer.end());
      if (part.form === 'plain' && octets < facts.size) throw new Error('it is shorter than it was');
    } catch (error) {
      if (error instanceof WireError) throw error;
      throw this.#sourceFailed(error);
    }
    this.ended = true;
    this.#wire.options.transcript?.body(octets);
    for (let count = 0; count < part.replies; count++) this.awaited.push('dot');
  }

  /** Writes what is left, and waits until the peer has taken it or has nothing more to hear. */
  async end(): Promise<void> {
    await this.#drain();
    if (this.#hand()) return;
    const limit = this.#limit();
    let refused = false;
    for (;;) {
      const state = await this.#wire.connection.writable(refused ? Math.min(REFUSED_DRAIN, limit) : limit);
      // Whatever else happened is told by the replies and by what follows them.
      if (state !== 'bytes' && state !== 'timeout') return;
      const replies = this.#wire.peek();
      if (state === 'timeout') {
        throw refused ? this.#refused(replies) : this.#wire.lost(state, this.#progress(), limit);
      }
      if (this.#wire.malformed !== undefined) return;
      refused = this.ended && replies.length > this.#before && (replies[this.#before]?.code ?? 0) >= 400;
    }
  }

  /** Writes what is gathered when the write before it has left. */
  async #write(): Promise<void> {
    await this.#drain();
    this.#hand();
    this.#refuseEarly();
  }

  #hand(): boolean {
    const chunks = this.#gathered;
    this.#gathered = [];
    this.#inFlight = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const left = this.#wire.connection.write(chunks);
    if (left) this.#inFlight = 0;
    return left;
  }

  async #drain(): Promise<void> {
    while (this.#inFlight > 0) {
      const limit = this.#limit();
      const state = await this.#wire.connection.writable(limit);
      if (state === 'drained') this.#inFlight = 0;
      else if (state !== 'bytes') throw this.#wire.lost(state, this.#progress(), limit);
      this.#refuseEarly();
    }
  }

  /** A reply more than the commands asked for, while the message is not at its end. */
  #refuseEarly(): void {
    const { malformed } = this.#wire;
    const replies = this.#wire.peek();
    if (replies.length > this.awaited.length) throw this.#refused(replies);
    if (malformed !== undefined) throw this.#wire.nonsense(malformed, this.#progress());
  }

  #refused(replies: readonly Reply[]): WireError {
    const last = replies.at(-1);
    const facts = { ...this.#progress(), replies: [...replies], ended: false };
    return last !== undefined && last.code >= 400
      ? new WireError('the server refused the message before its end', { ...facts, trouble: 'closed' })
      : new WireError('the server answered the message before its end', { ...facts, trouble: 'unasked' });
  }

  #progress(): Progress {
    return { stage: 'body', replies: [...this.#wire.peek()], ended: this.ended };
  }

  #limit(): number {
    return this.#wire.limit('body') * Math.max(1, Math.ceil(this.#inFlight / BLOCK));
  }

  #sourceFailed(cause: unknown): WireError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new WireError(`Cannot read message: ${reason}`, { ...this.#progress(), trouble: 'source', cause });
  }
}
