import type { NamedRecipient } from '../../src/config/aliases.ts';
import { formatAddress, formatPath } from '../../src/mail/address.ts';
import { type SessionEnd, session } from '../../src/submit/smtp-session.ts';
import type { SessionAnswer, SessionEnvelope, SessionStep, Verdict } from '../../src/submit/smtp-step.ts';
import type { SessionOptions } from '../../src/submit/smtp-transaction.ts';

export interface Received {
  readonly envelope: SessionEnvelope;
  readonly content: string;
}

export interface Played {
  /** All replies, one after the other. */
  readonly replies: string;
  readonly messages: readonly Received[];
  readonly end: SessionEnd;
  /** `C:` and `S:` lines in the order of a session where each chunk waits for the replies. */
  readonly log: readonly string[];
}

export interface Play {
  readonly options?: Partial<SessionOptions>;
  readonly submit?: (envelope: SessionEnvelope) => Verdict;
  readonly verify?: (recipient: NamedRecipient) => Verdict;
  readonly over?: 'end' | 'idle';
}

/** Plays a session without a stream: what the client says comes in these chunks. */
export function play(chunks: Iterable<Buffer>, { options, submit, verify, over = 'end' }: Play = {}): Played {
  const log: string[] = [];
  const messages: Received[] = [];
  let replies = '';
  let content: Buffer[] = [];
  const said = chunks[Symbol.iterator]();
  const answer = (step: SessionStep): SessionAnswer => {
    switch (step.kind) {
      case 'read': {
        const { done, value } = said.next();
        if (done === true) return { kind: 'over', why: over };
        log.push(...linesOf('C', value.toString('latin1')));
        return { kind: 'bytes', bytes: value };
      }
      case 'reply':
        replies += step.text;
        log.push(...linesOf('S', step.text));
        return { kind: 'done' };
      case 'content':
        content.push(Buffer.from(step.bytes));
        return { kind: 'done' };
      case 'discard':
        content = [];
        return { kind: 'done' };
      case 'verify':
        return { kind: 'verdict', verdict: verify?.(step.recipient) ?? { ok: true, text: 'Ok' } };
      case 'submit': {
        messages.push({ envelope: step.envelope, content: Buffer.concat(content).toString('latin1') });
        content = [];
        return {
          kind: 'verdict',
          verdict: submit?.(step.envelope) ?? { ok: true, text: `queued as ${messages.length}` },
        };
      }
    }
  };
  const usual = { hostname: 'vm.example.net', domain: 'example.net', maxSize: 0, verify: verify !== undefined };
  const dialogue = session({ ...usual, ...options });
  let next = dialogue.next();
  while (next.done !== true) next = dialogue.next(answer(next.value));
  return { replies, messages, end: next.value, log };
}

const linesOf = (who: string, text: string): readonly string[] =>
  text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => `${who}: ${line}`);

/** The codes of the replies, the last line of each. */
export const codesOf = (replies: string): readonly string[] => replies.match(/^\d{3}(?= )/gm) ?? [];

/** `<sender> <recipient> …` */
export const pathsOf = ({ envelope }: Received): string =>
  [formatPath(envelope.sender), ...envelope.recipients.map(({ address }) => `<${formatAddress(address)}>`)].join(' ');
