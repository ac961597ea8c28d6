/** Parts of flights, and a dialogue made of them. */
import type { Reply } from '../../src/mail/reply.ts';
import type { Stage } from '../../src/mail/result.ts';
import type { Message } from '../../src/message/message.ts';
import { type Dialogue, flight, listen, type Part } from '../../src/smtp/dialogue.ts';
import { messageOf } from './talk.ts';

export const say = (line: string, stage: Stage = 'mail', reply = true): Part => ({
  kind: 'command',
  line,
  stage,
  reply,
});
export const body = (message: Message, form: 'dots' | 'plain' = 'dots', replies = 1): Part => ({
  kind: 'body',
  message,
  form,
  replies,
});

/** Listens, then sends the flights, and gives the codes of all replies. */
export function* send(...flights: readonly (readonly Part[])[]): Dialogue<readonly number[]> {
  const replies: Reply[] = [yield* listen('greeting')];
  for (const parts of flights) replies.push(...(yield* flight(parts)));
  return replies.map(({ code }) => code);
}

/** 22 octets. */
export const hi = messageOf('hello\r\n');
