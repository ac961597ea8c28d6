import { type LineState, lineState, missingEnds, RUN_LIMIT } from './lines.ts';
import type { Facts } from './message.ts';
import { enter, leave, PIECE, SIMD_FROM, type Simd, sharedSimd } from './simd.ts';
import type { Source } from './source.ts';

/*
 * One pass over the raw bytes of a header or a body that finds what a server's limits and extensions are held against:
 * push all chunks, then end. All counts are of the bytes as `message/lines` makes them, nothing is copied out, and how
 * the bytes are cut into chunks changes nothing. `combine` makes the facts of a message from those of its parts.
 */

/** Facts of a header or a body. */
export interface BodyFacts {
  /** Octets with CRLF line ends, before dot-stuffing. */
  readonly size: number;
  readonly eightBit: boolean;
  /** Octets of the longest line without its CRLF. */
  readonly longestLine: number;
  readonly nul: boolean;
  /** Some line starts with a dot. */
  readonly dotLine: boolean;
}

const LF = 10;
const CR = 13;
const DOT = 46;

export interface Scanner {
  push(chunk: Buffer): void;
  /** The facts; nothing can be pushed after it. */
  end(): BodyFacts;
}

/** Facts while they are found: `size` is that of the ended lines, `line` the length of the one that is not ended. */
interface Found extends LineState {
  size: number;
  line: number;
  longest: number;
  eightBit: boolean;
  nul: boolean;
  dot: boolean;
}

/** A scanner for bytes that come in chunks; `way` is for tests, and `simd` is the fastest there is. */
export function createScanner(way: 'auto' | 'plain' | 'simd' = 'auto'): Scanner {
  const found: Found = { ...lineState(), size: 0, line: 0, longest: 0, eightBit: false, nul: false, dot: false };
  return {
    push(chunk) {
      const fast = way === 'simd' || (way === 'auto' && chunk.length >= SIMD_FROM);
      const simd = fast ? sharedSimd() : null;
      if (simd === null) scanPlain(found, chunk);
      else scanFast(simd, found, chunk);
    },
    end() {
      for (let ends = missingEnds(found); ends > 0; ends--) endLine(found);
      const { size, longest, eightBit, nul, dot } = found;
      return { size, eightBit, longestLine: longest, nul, dotLine: dot };
    },
  };
}

/** Facts of bytes in memory. */
export function scanBytes(bytes: Buffer): BodyFacts {
  const scanner = createScanner();
  scanner.push(bytes);
  return scanner.end();
}

/** Facts of a source, which is read once. @throws what its `chunks` throws. */
export async function scanSource(source: Source): Promise<BodyFacts> {
  if (source.bytes !== undefined) return scanBytes(source.bytes);
  const scanner = createScanner();
  for await (const chunk of source.chunks()) scanner.push(chunk);
  return scanner.end();
}

/** The facts of a message: `header` with its blank line, and the body. */
export const combine = (header: BodyFacts, body: BodyFacts): Facts => ({
  size: header.size + body.size,
  eightBitHeader: header.eightBit,
  eightBitBody: body.eightBit,
  longestLine: Math.max(header.longestLine, body.longestLine),
  nul: header.nul || body.nul,
});

function endLine(found: Found): void {
  found.size += found.line + 2;
  if (found.line > found.longest) found.longest = found.line;
  found.line = 0;
}

function scanPlain(found: Found, chunk: Buffer): void {
  let all = 0;
  for (let i = 0; i < chunk.length; ) {
    let octet = chunk[i] ?? 0;
    if (octet === LF) {
      i++;
      endLine(found);
      found.crs = 0;
      found.start = true;
      continue;
    }
    if (octet === CR) {
      i++;
      found.crs++;
      if (found.crs < RUN_LIMIT) continue;
    }
    if (found.crs > 0) {
      for (; found.crs > 0; found.crs--) endLine(found);
      found.start = true;
      continue;
    }
    if (found.start && octet === DOT) found.dot = true;
    found.start = false;
    const from = i;
    for (; i < chunk.length; i++) {
      octet = chunk[i] ?? 0;
      if (octet === LF || octet === CR) break;
      if (octet === 0) found.nul = true;
      all |= octet;
    }
    found.line += i - from;
  }
  if (all > 127) found.eightBit = true;
}

function scanFast(simd: Simd, found: Found, chunk: Buffer): void {
  enter(simd, found);
  simd.size.value = BigInt(found.size);
  simd.line.value = BigInt(found.line);
  simd.longest.value = BigInt(found.longest);
  simd.eightBit.value = simd.nul.value = simd.dot.value = 0;
  for (let at = 0; at < chunk.length; at += PIECE) {
    const length = chunk.copy(simd.memory, 0, at, at + PIECE);
    simd.scan(0, length);
  }
  leave(simd, found);
  found.size = Number(simd.size.value);
  found.line = Number(simd.line.value);
  found.longest = Number(simd.longest.value);
  found.eightBit ||= simd.eightBit.value === 1;
  found.nul ||= simd.nul.value === 1;
  found.dot ||= simd.dot.value === 1;
}
