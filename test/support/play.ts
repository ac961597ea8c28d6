/**
 * Plays a dialogue against a script (`script.ts` says how one is written) without a socket, as strictly as possible:
 * each flight must be exactly the client's lines that follow one another, and nothing may be left unsaid. What breaks
 * the wire in the script is thrown into the dialogue as the same WireError that `net/converse` would throw.
 *
 *     const { value, messages } = play(hello('client.test'), `
 *       S: 220 mx.test
 *       C: EHLO client.test
 *       S: 250 mx.test
 *     `);
 */
import type { Reply } from '../../src/mail/reply.ts';
import type { Stage } from '../../src/mail/result.ts';
import { type Dialogue, type Part, type Step, WireError, type WireTrouble } from '../../src/smtp/dialogue.ts';
import { MalformedReply, ReplyParser } from '../../src/smtp/parser.ts';
import { matchesLine, parseScript, type ScriptLine } from './script.ts';

type Body = Extract<Part, { kind: 'body' }>;

export interface Played<T> {
  /** What the dialogue returned. */
  readonly value: T;
  /** The commands that were sent, in order, without CRLF. */
  readonly commands: readonly string[];
  /** The bodies that were sent whole. */
  readonly messages: readonly Body[];
}

/** @throws {WireError} that the dialogue did not catch. @throws {Error} where the dialogue leaves the script. */
export function play<T>(dialogue: Dialogue<T>, text: string): Played<T> {
  const player = new Player(parseScript(text));
  let step = dialogue.next([]);
  while (step.done !== true) {
    let replies: readonly Reply[];
    try {
      replies = player.perform(step.value);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      player.broken ??= error;
      step = dialogue.throw(error);
      continue;
    }
    step = dialogue.next(replies);
  }
  player.finish();
  return { value: step.value, commands: player.commands, messages: player.messages };
}

interface Awaited {
  readonly stages: readonly Stage[];
  readonly ended: boolean;
}

class Player {
  readonly commands: string[] = [];
  readonly messages: Body[] = [];
  broken: WireError | undefined;
  readonly #lines: readonly ScriptLine[];
  #position = 0;
  #unawaited = 0;
  #parser = new ReplyParser();

  constructor(lines: readonly ScriptLine[]) {
    this.#lines = lines;
  }

  perform(step: Step): readonly Reply[] {
    if (this.broken !== undefined) throw new WireError(this.broken.message, { ...this.broken, replies: [] });
    if (step.kind === 'listen') return this.#await({ stages: [step.stage], ended: false });
    if (step.kind === 'tls') return this.#tls();
    this.#refuseEarly(step.parts[0]);
    const stages: Stage[] = [];
    let ended = false;
    for (const [index, part] of step.parts.entries()) {
      if (part.kind === 'command') {
        this.#command(part.line);
        if (part.reply) stages.push(part.stage);
        // A BDAT line is answered with its chunk.
        else if (step.parts[index + 1]?.kind !== 'body') this.#unawaited++;
      } else {
        if (this.#lines[this.#position]?.who === 'message') this.#message(part, stages);
        else this.#differs('the message');
        ended = true;
        stages.push(...Array<Stage>(part.replies).fill('dot'));
      }
    }
    return this.#await({ stages, ended });
  }

  /** Checks that the script has nothing left for the client to say. */
  finish(): void {
    let replies = 0;
    for (const line of this.#lines.slice(this.#position)) {
      if (line.who === 'client' || line.who === 'message') throw this.#wrong('the client did not send this', line);
      if (line.who === 'event') return;
      this.#parser.push(line.bytes);
      while (this.#parser.next() !== undefined) replies++;
      if (this.broken === undefined && replies > this.#unawaited) throw this.#wrong('nobody read this', line);
    }
  }

  #command(line: string): void {
    const want = this.#lines[this.#position];
    if (want?.who !== 'client' || !matchesLine(line, want.line)) this.#differs(JSON.stringify(line));
    this.commands.push(line);
    this.#position++;
  }

  #message(part: Body, before: readonly Stage[]): void {
    const want = this.#lines[this.#position];
    if (want?.who !== 'message') return;
    this.#position++;
    if (want.size !== undefined && want.size !== part.message.facts.size) {
      throw this.#wrong(`the client sent ${part.message.facts.size} octets`, want);
    }
    if (!want.half) return void this.messages.push(part);
    const replies = this.#await({ stages: [...before, 'body'], ended: false });
    const early = replies.at(-1);
    const trouble: WireTrouble = early !== undefined && early.code >= 400 ? 'closed' : 'unasked';
    throw new WireError('Cannot send message: reply in its middle', { trouble, stage: 'body', replies });
  }

  #tls(): readonly Reply[] {
    const line = this.#lines[this.#position];
    if (this.#parser.pending > 0 || line?.who === 'server') throw unasked('tls');
    if (line?.who === 'event' && line.event === 'tls') {
      this.#position++;
      return [];
    }
    if (line?.who !== 'event') this.#differs('TLS');
    this.#position++;
    const trouble = line?.who === 'event' ? TROUBLE[line.event] : 'tls';
    throw new WireError('Cannot start TLS: the script says so', { trouble, stage: 'tls' });
  }

  #refuseEarly(part: Part | undefined): void {
    for (let line = this.#lines[this.#position]; line?.who === 'server'; line = this.#lines[++this.#position]) {
      this.#parser.push(line.bytes);
    }
    if (this.#parser.pending === 0) return;
    const stage = part === undefined ? 'quit' : part.kind === 'body' ? 'body' : part.stage;
    let reply: Reply | undefined;
    try {
      reply = this.#parser.next();
    } catch (error) {
      if (!(error instanceof MalformedReply)) throw error;
    }
    if (reply?.code !== 421) throw unasked(stage);
    throw new WireError('Cannot send: the server says goodbye', { trouble: 'closed', stage, farewell: reply });
  }

  #await({ stages, ended }: Awaited): readonly Reply[] {
    const replies: Reply[] = [];
    for (const stage of stages) {
      const facts = { stage, replies, ended };
      let reply = this.#next(facts);
      while (reply === undefined) {
        const line = this.#lines[this.#position];
        if (line === undefined) throw new Error('Cannot play script: it ends while the client waits for a reply');
        if (line.who === 'client' || line.who === 'message') throw this.#wrong('the client waits for a reply', line);
        this.#position++;
        if (line.who === 'event') {
          throw new WireError(`Cannot read reply: ${line.event}`, { ...facts, trouble: TROUBLE[line.event] });
        }
        this.#parser.push(line.bytes);
        reply = this.#next(facts);
      }
      replies.push(reply);
    }
    return replies;
  }

  #next(facts: { stage: Stage; replies: readonly Reply[]; ended: boolean }): Reply | undefined {
    try {
      return this.#parser.next();
    } catch (error) {
      if (!(error instanceof MalformedReply)) throw error;
      throw new WireError(error.message, { ...facts, trouble: 'malformed' });
    }
  }

  #differs(sent: string): never {
    const want = this.#lines[this.#position];
    if (want === undefined) throw new Error(`Cannot play script: the client sent ${sent} after its end`);
    throw this.#wrong(`the client sent ${sent}`, want);
  }

  #wrong(what: string, line: ScriptLine): Error {
    const { at, ...rest } = line;
    const wanted = rest.who === 'server' ? JSON.stringify(rest.bytes.toString()) : JSON.stringify(rest);
    return new Error(`Cannot play script: ${what}; line ${at} is ${wanted}`);
  }
}

const unasked = (stage: Stage): WireError =>
  new WireError('Cannot go on: the server sent what nobody asked for', { trouble: 'unasked', stage });

const TROUBLE: Readonly<Record<'tls' | 'tls-fails' | 'close' | 'reset' | 'silence', WireTrouble>> = {
  tls: 'tls',
  'tls-fails': 'tls',
  close: 'closed',
  reset: 'reset',
  silence: 'timeout',
};
