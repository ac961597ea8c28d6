import type { Ending } from '../mail/ending.ts';
import { quoted } from '../mail/printable.ts';
import { formatReply, type Reply } from '../mail/reply.ts';
import type { Stage } from '../mail/result.ts';
import { WireError, type WireTrouble } from '../smtp/dialogue.ts';
import { MalformedReply, ReplyParser } from '../smtp/parser.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { TlsPlan } from '../tls/policy.ts';
import type { Connection } from './connection.ts';
import type { Transcript } from './transcript.ts';
import { createVeil, type Veil } from './veil.ts';

export interface WireOptions {
  /** Seconds; a stage's own limit replaces that of `smtp/stages`. */
  readonly timeouts: Partial<Readonly<Record<Stage, number>>>;
  /** Milliseconds. */
  monotonic(): number;
  /** For the step `tls`. */
  readonly tls?: TlsPlan | undefined;
  readonly transcript?: Transcript | undefined;
  /** Passwords and tokens that this connection carries; no reply is handed out with one in it. */
  readonly secrets?: readonly string[] | undefined;
  /** Breaks the wire when it is aborted. */
  readonly signal?: Ending | undefined;
}

/** How far a flight had come when something happened. */
export interface Progress {
  readonly stage: Stage;
  readonly replies: readonly Reply[];
  readonly ended: boolean;
}

/** A connection that replies are read from, and the one place where its troubles become WireErrors. */
export class Wire {
  readonly connection: Connection;
  readonly options: WireOptions;
  readonly veil: Veil;
  readonly #parser = new ReplyParser();
  readonly #unread: Reply[] = [];
  #malformed: MalformedReply | undefined;

  constructor(connection: Connection, options: WireOptions) {
    this.connection = connection;
    this.options = options;
    this.veil = createVeil(options.secrets ?? []);
  }

  limit(stage: Stage): number {
    return stageLimit(stage, this.options.timeouts);
  }

  /** Waits for the next whole reply; the limit is absolute. @throws {WireError} */
  async reply(progress: Progress): Promise<Reply> {
    const limit = this.limit(progress.stage);
    const until = this.options.monotonic() + limit;
    for (;;) {
      const reply = this.peek().length > 0 ? this.#unread.shift() : undefined;
      if (reply !== undefined) return reply;
      if (this.#malformed !== undefined) throw this.nonsense(this.#malformed, progress);
      const state = await this.connection.readable(until - this.options.monotonic());
      if (state !== 'bytes') throw this.lost(state, progress, limit);
    }
  }

  /** All whole replies that were received and not read, without waiting. */
  peek(): readonly Reply[] {
    while (this.#malformed === undefined) {
      try {
        const reply = this.#parser.next();
        if (reply !== undefined) {
          const shown = this.veil.reply(reply);
          this.options.transcript?.server(shown);
          // A challenge is no text for people, and has to stay as it is.
          this.#unread.push(reply.code === 334 ? reply : shown);
          continue;
        }
      } catch (error) {
        if (!(error instanceof MalformedReply)) throw error;
        this.#malformed = error;
      }
      const bytes = this.connection.take();
      if (bytes === null) break;
      this.#parser.push(bytes);
    }
    return this.#unread;
  }

  /** What can't be a reply, behind the replies that `peek` gives. */
  get malformed(): MalformedReply | undefined {
    return this.#malformed;
  }

  /**
   * Checks that nothing was received that no command asked for, before one is written: it would be taken for the answer.
   * @throws {WireError} trouble `unasked`, or `closed` where it is the server's goodbye.
   */
  async refuseUnasked(stage: Stage): Promise<void> {
    const progress = { stage, replies: [], ended: false };
    const [early] = this.peek();
    if (early?.code === 421) {
      throw new WireError(formatReply(early), { ...progress, trouble: 'closed', farewell: early });
    }
    if (early !== undefined || this.#parser.pending > 0) {
      const what = early === undefined ? 'something' : quoted(formatReply(early));
      throw new WireError(`the server sent ${what} before it was asked`, { ...progress, trouble: 'unasked' });
    }
    const state = await this.connection.readable(0);
    if (state === 'bytes') return this.refuseUnasked(stage);
    if (state !== 'timeout') throw this.lost(state, progress, 0);
  }

  nonsense(cause: MalformedReply, progress: Progress): WireError {
    return new WireError(this.veil.text(cause.message), { ...progress, trouble: 'malformed', cause });
  }

  lost(state: 'ended' | 'reset' | 'timeout', progress: Progress, limit: number): WireError {
    return new WireError(this.#lostText(state, limit), { ...progress, trouble: TROUBLES[state] });
  }

  #lostText(state: 'ended' | 'reset' | 'timeout', limit: number): string {
    if (this.options.signal?.aborted === true) return 'we were told to end';
    if (state === 'timeout') return `no answer within ${limit / 1000} s`;
    const how = state === 'ended' ? 'the server closed the connection' : 'the connection was reset';
    return this.#parser.pending > 0 ? `${how} in the middle of a reply` : how;
  }
}

const TROUBLES: Readonly<Record<'ended' | 'reset' | 'timeout', WireTrouble>> = {
  ended: 'closed',
  reset: 'reset',
  timeout: 'timeout',
};
