/*
 * The server's side of SMTP on standard input and output (`sendmail -bs`), for alpine, nmh, Symfony and the like. It has
 * one client, who could as well call sendmail itself, and is no server for anybody else: there is no log-in and no TLS,
 * and what it accepts goes where any message of that user goes.
 *
 * A session is a dialogue as those of `smtp/dialogue`: it yields steps and is resumed with answers, so it runs without a
 * stream. `smtp-serve` carries it.
 *
 *   const dialogue = session({ hostname: 'vm.example.net', domain: 'example.net', maxSize: 0, verify: false });
 *
 * Each command gets one reply, in order. A message gets its 250 only after `submit` was answered with a positive verdict,
 * and so is on disk. EHLO may be left out, parameters may follow HELO (scripts do both). A session ends with QUIT, the end
 * of the input, after long silence, after MAX_ERRORS lines in a row that are no commands, or where a BDAT can't be read,
 * because its bytes would then be taken for commands. Only a line is ever held.
 * @throws {TypeError} where a step got another answer than it asks for; never for what the client says.
 */
import { ANSWERS, type Answer, formatHello } from './smtp-answer.ts';
import { type Command, readCommand } from './smtp-command.ts';
import { type LineEnd, readLine } from './smtp-input.ts';
import type { Dialogue } from './smtp-step.ts';
import {
  chunk,
  clear,
  content,
  type Outcome,
  rcpt,
  reply,
  type SessionOptions,
  type State,
} from './smtp-transaction.ts';

export interface SessionEnd {
  /** `cut`: the input ended within a message, which is lost. `errors`: we gave up. */
  readonly why: 'quit' | 'end' | 'cut' | 'idle' | 'errors';
  /** Messages that were accepted. */
  readonly accepted: number;
}

/** RFC 5321, section 4.5.3.1.4 asks for 512 octets; ORCPT, ENVID and UTF-8 ask for more. */
export const LONGEST_LINE = 2048;
/** As many as no client has, but a message that was sent here by mistake. */
export const MAX_ERRORS = 20;

const KEYWORDS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN', 'CHUNKING'];
const HELP = 'Commands are EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT';

export function* session(options: SessionOptions): Dialogue<SessionEnd> {
  const state: State = { options, input: { unread: Buffer.alloc(0) }, transaction: undefined, accepted: 0 };
  const end = (why: SessionEnd['why']): SessionEnd => ({ why, accepted: state.accepted });
  let lineEnd: LineEnd = 'lf';
  let errors = 0;
  yield* reply({ code: 220, text: `${options.hostname} ESMTP posthaste` });
  for (;;) {
    const line = yield* readLine(state.input, LONGEST_LINE);
    if (line.kind === 'over') {
      yield* clear(state);
      if (line.why === 'idle') yield* reply(ANSWERS.idle);
      return end(line.why);
    }
    if (line.kind === 'line' && line.end === 'crlf') lineEnd = 'crlf';
    const command = line.kind === 'long' ? { refused: ANSWERS.tooLong } : readCommand(line.bytes, options.domain);
    if ('refused' in command) {
      errors = isError(command.refused) ? errors + 1 : 0;
      yield* reply(errors === MAX_ERRORS ? ANSWERS.tooManyErrors : command.refused);
      if (errors < MAX_ERRORS && command.fatal !== true) continue;
      yield* clear(state);
      return end('errors');
    }
    errors = 0;
    if (command.verb === 'EHLO') yield { kind: 'reply', text: yield* hello(state) };
    else {
      const outcome = yield* run(state, command, lineEnd);
      if ('kind' in outcome) {
        yield* clear(state);
        if (outcome.why === 'idle') yield* reply(ANSWERS.idle);
        return end(outcome.why === 'idle' ? 'idle' : 'cut');
      }
      yield* reply(outcome);
      if (command.verb === 'QUIT') return end('quit');
    }
  }
}

const isError = ({ code }: Answer): boolean => code === 500 || code === 502;

function* hello(state: State): Dialogue<string> {
  yield* clear(state);
  const { hostname, maxSize } = state.options;
  return formatHello(hostname, [...KEYWORDS, maxSize > 0 ? `SIZE ${maxSize}` : 'SIZE']);
}

function* run(state: State, command: Exclude<Command, { verb: 'EHLO' }>, lineEnd: LineEnd): Dialogue<Outcome> {
  switch (command.verb) {
    case 'HELO':
      yield* clear(state);
      return { code: 250, text: state.options.hostname };
    case 'MAIL':
      return mail(state, command);
    case 'RCPT':
      return yield* rcpt(state, command);
    case 'DATA':
      return yield* content(state, lineEnd);
    case 'BDAT':
      return yield* chunk(state, command);
    case 'RSET':
      yield* clear(state);
      return ANSWERS.ok;
    case 'NOOP':
      return ANSWERS.ok;
    case 'VRFY':
      return ANSWERS.verify;
    case 'HELP':
      return { code: 214, status: '2.0.0', text: HELP };
    case 'QUIT':
      yield* clear(state);
      return ANSWERS.bye;
  }
}

function mail(state: State, { sender, parameters }: Command & { verb: 'MAIL' }): Answer {
  const { maxSize } = state.options;
  if (state.transaction !== undefined) return ANSWERS.nested;
  if (maxSize > 0 && (parameters.size ?? 0) > maxSize) return ANSWERS.tooLarge;
  state.transaction = { sender, parameters, recipients: new Map(), size: 0, chunks: false };
  return { ...ANSWERS.ok, status: '2.1.0' };
}
