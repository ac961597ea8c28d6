import type { Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { World } from '../world.ts';
import { LONGEST_LINE, type Reencoding } from './fit.ts';

/** Gives the message in a form that the server takes, or why there is none. */
export type Reencode = (message: Message, reencoding: Reencoding) => Promise<Message | Failure>;

/** Each form is made once, however many sessions need it. */
export function reencoder({ scratch }: Pick<World, 'scratch'>): Reencode {
  const made = new Map<Reencoding, Promise<Message | Failure>>();
  return (message, reencoding) => {
    const known = made.get(reencoding) ?? make(message, reencoding, scratch);
    made.set(reencoding, known);
    return known;
  };
}

async function make(message: Message, reencoding: Reencoding, scratch: World['scratch']): Promise<Message | Failure> {
  const { downgrade } = await import('../message/downgrade.ts');
  const sevenBit = reencoding === 'seven bits';
  try {
    const done = await downgrade(message, { sevenBit, maxLine: LONGEST_LINE }, scratch());
    if (done.ok) return done.message;
    // Another host may take 8-bit content; lines and NULs are the same for all.
    const scope = sevenBit ? 'host' : 'message';
    return { scope, permanent: true, stage: 'mail', status: done.status, text: done.text };
  } catch (error) {
    // The disk is full, or the file is no longer what it was.
    const reason = error instanceof Error ? error.message : String(error);
    return {
      scope: 'message',
      permanent: false,
      stage: 'body',
      status: '4.3.0',
      text: `Cannot re-encode message: ${reason}`,
    };
  }
}
