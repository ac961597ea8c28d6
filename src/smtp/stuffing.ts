import { convert, type LineState, lineState, missingEnds, roomFor } from '../message/lines.ts';
import {
  enter,
  leave,
  makeSimd,
  OUTPUT,
  OUTPUT_SIZE,
  PIECE,
  SIMD_FROM,
  type Simd,
  sharedSimd,
} from '../message/simd.ts';

/*
 * The bytes of a message on their way to the wire: line ends by the rule of `message/lines`, and in form `dots` (after
 * DATA) a dot more before each dot that starts a line and the final dot (RFC 5321, section 4.5.2). Form `plain` is for
 * BDAT and makes exactly as many octets as `message/scan` counts. Push the header, then the body's chunks, then end.
 *
 * Speed: chunks of 128 to 256 KiB, as files give them, are converted by an instance of lines.wat that the stuffer makes
 * for itself, into one of two buffers that are used in turn, so that one can be on its way into the socket while the
 * next is made. **What a push returns is valid until the second push after it**: wait until the socket has taken one
 * before you push two more. Chunks of other sizes become memory of their own.
 */

export interface Stuffer {
  /** The chunk as it goes to the wire; may be empty. Its memory is reused by the second push after this one. */
  push(chunk: Buffer): Buffer;
  /** What is left: undecided and missing line ends, and the final dot in form `dots`. Nothing can be pushed after it. */
  end(): Buffer;
}

// Below this a copy costs less than an instance.
const OWN_FROM = 131_072;

/** A converter for one message; `way` is for tests, and `simd` is the fastest there is. */
export function createStuffer(form: 'dots' | 'plain', way: 'auto' | 'plain' | 'simd' = 'auto'): Stuffer {
  const state: LineState = lineState();
  let own: Simd | null | undefined;
  let slot = 0;

  function pushPlain(chunk: Buffer): Buffer {
    const to = Buffer.allocUnsafe(roomFor(chunk.length, state));
    return to.subarray(0, convert({ from: chunk, to }, state, form));
  }

  function pushFast(simd: Simd, piece: Buffer, to: number): Buffer {
    piece.copy(simd.memory);
    enter(simd, state);
    const end = simd.convert(0, piece.length, to, form === 'dots' ? 1 : 0);
    leave(simd, state);
    return simd.memory.subarray(to, end);
  }

  return {
    push(chunk) {
      if (way === 'plain' || (way === 'auto' && chunk.length < SIMD_FROM)) return pushPlain(chunk);
      if (chunk.length >= OWN_FROM && chunk.length <= PIECE) {
        if (own === undefined) own = makeSimd(OUTPUT + 2 * OUTPUT_SIZE);
        slot = 1 - slot;
        if (own !== null) return pushFast(own, chunk, OUTPUT + slot * OUTPUT_SIZE);
      }
      const simd = sharedSimd();
      if (simd === null) return pushPlain(chunk);
      const made: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += PIECE) {
        made.push(Buffer.from(pushFast(simd, chunk.subarray(at, at + PIECE), OUTPUT)));
      }
      return made.length === 1 && made[0] !== undefined ? made[0] : Buffer.concat(made);
    },
    end() {
      const ends = '\r\n'.repeat(missingEnds(state));
      return Buffer.from(form === 'dots' ? `${ends}.\r\n` : ends, 'latin1');
    },
  };
}
