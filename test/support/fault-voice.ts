import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from './fault-acts.ts';
import type { Wire } from './wire.ts';

/** How a faulty server speaks: at once, in pieces, or all at the end. */
export interface Voice {
  say(text: string): Promise<void>;
  /** Octet by octet, again and again. */
  drip(text: string, milliseconds: number, isOver: () => boolean): Promise<void>;
}

export function createVoice(wire: Wire, { cut, gathers }: Behaviour): Voice {
  let kept = '';
  return {
    async say(text) {
      kept += text;
      if (gathers === true && wire.waiting() > 0) return;
      const said = kept;
      kept = '';
      if (cut !== true) return wire.write(said);
      for (const octet of said) {
        wire.write(octet);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async drip(text, milliseconds, isOver) {
      for (let at = 0; !isOver(); at++) {
        wire.write(text[at % text.length] ?? '');
        await sleep(milliseconds);
      }
    },
  };
}
