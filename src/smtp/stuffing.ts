import { convert, type LineState, missingEnds, RUN_LIMIT, roomFor } from '../message/lines.ts';
import { enter, leave, makeSimd, OVERRUN, type Simd } from '../message/simd.ts';

/*
 * The bytes of a message on their way to the wire: line ends by the rule of `message/lines`, and in form `dots` (after
 * DATA) a dot more before each dot that starts a line and the final dot (RFC 5321, section 4.5.2). Form `plain` is for
 * BDAT and makes exactly as many octets as `message/scan` counts. Push the header, then the body's chunks, then end.
 *
 * Speed: chunks of 128 KiB and more are converted by lines.wat into one of two buffers that are used in turn, so that
 * one can be on its way into the socket while the next is made. **What a push returns is valid until the second push
 * after it**: wait until the socket has taken one before you push two more.
 */

export interface Stuffer {
  /** The chunk as it goes to the wire; may be empty. Its memory is reused by the second push after this one. */
  push(chunk: Buffer): Buffer;
  /** What is left: undecided and missing line ends, and the final dot in form `dots`. Nothing can be pushed after it. */
  end(): Buffer;
}

// Below this plain JavaScript is done before the module is compiled.
const SIMD_FROM = 131_072;

// Memory of the module: the piece to convert, then two slots for what it becomes.
const PIECE = 262_144;
const SLOT = 2 * (PIECE + RUN_LIMIT) + OVERRUN;
const SLOTS_AT = PIECE + OVERRUN;

/** A converter for one message; `way` is for tests, and `simd` is the fastest there is. */
export function createStuffer(form: 'dots' | 'plain', way: 'auto' | 'plain' | 'simd' = 'auto'): Stuffer {
  const state: LineState = { crs: 0, start: true };
  let simd: Simd | null | undefined;
  let slot = 0;

  function pushPlain(chunk: Buffer): Buffer {
    const to = Buffer.allocUnsafe(roomFor(chunk.length, state));
    return to.subarray(0, convert({ from: chunk, to }, state, form));
  }

  function pushFast(fast: Simd, piece: Buffer): Buffer {
    const to = SLOTS_AT + slot * SLOT;
    piece.copy(fast.memory);
    enter(fast, state);
    const end = fast.convert(0, piece.length, to, form === 'dots' ? 1 : 0);
    leave(fast, state);
    return fast.memory.subarray(to, end);
  }

  return {
    push(chunk) {
      if (way === 'plain' || (way === 'auto' && chunk.length < SIMD_FROM)) return pushPlain(chunk);
      if (simd === undefined) simd = makeSimd(SLOTS_AT + 2 * SLOT);
      if (simd === null) return pushPlain(chunk);
      if (chunk.length <= PIECE) {
        const made = pushFast(simd, chunk);
        slot = 1 - slot;
        return made;
      }
      const made: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += PIECE) {
        made.push(Buffer.from(pushFast(simd, chunk.subarray(at, at + PIECE))));
      }
      return Buffer.concat(made);
    },
    end() {
      const ends = '\r\n'.repeat(missingEnds(state));
      return Buffer.from(form === 'dots' ? `${ends}.\r\n` : ends, 'latin1');
    },
  };
}
