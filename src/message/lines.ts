/*
 * Line ends, in one rule for every byte of a message. On the wire there is only CRLF (RFC 5321, section 2.3.8), and a
 * server that takes anything else for a line end can be made to see a second message inside the first. So:
 *
 * 1. an LF with any CRs before it is one line end;
 * 2. a CR that no LF follows is a line end too, each one of a run;
 * 3. bytes that do not end with a line end get one, and no bytes stay no bytes.
 *
 * All else passes as it is, NUL and 8-bit octets too. A run of CRs at the end of a chunk is undecided until the next
 * octet or the end; a run of RUN_LIMIT is decided at once by rule 2, so that what is undecided stays small.
 *
 * This file does it in plain JavaScript: for small messages, where WebAssembly with SIMD is missing, and to hold
 * lines.wat against. `message/scan` counts by the same rule, `smtp/stuffing` applies it on the way to the wire.
 */

/** CRs in a row that are decided without waiting for what follows. */
export const RUN_LIMIT = 65_536;

/** What one chunk leaves for the next: undecided CRs at the end, and whether a line starts (where there are none). */
export interface LineState {
  crs: number;
  start: boolean;
}

/** The state before the first octet. */
export const lineState = (): LineState => ({ crs: 0, start: true });

const LF = 10;
const CR = 13;
const DOT = 46;

/** Room that `convert` needs, in octets: everything may double. */
export const roomFor = (length: number, state: LineState): number => 2 * (length + state.crs);

/**
 * Writes the bytes to `to` with CRLF line ends, in form `dots` with one dot more before each dot that starts a line
 * (RFC 5321, section 4.5.2). Returns how many octets it wrote.
 */
export function convert(ends: { from: Buffer; to: Buffer }, state: LineState, form: 'dots' | 'plain'): number {
  const { from, to } = ends;
  let { crs, start } = state;
  let at = 0;
  for (let i = 0; i < from.length; ) {
    let octet = from[i++] ?? 0;
    if (octet === LF) {
      at = endLines(to, at, 1);
      crs = 0;
      start = true;
      continue;
    }
    if (octet === CR) crs++;
    if (octet === CR && crs < RUN_LIMIT) continue;
    if (crs > 0) {
      at = endLines(to, at, crs);
      crs = 0;
      start = true;
      if (octet === CR) continue;
    }
    if (start && octet === DOT && form === 'dots') to[at++] = DOT;
    start = false;
    to[at++] = octet;
    // The rest of the line: a loop of its own, which makes all of it three times as fast.
    for (; i < from.length; i++) {
      octet = from[i] ?? 0;
      if (octet === LF || octet === CR) break;
      to[at++] = octet;
    }
  }
  state.crs = crs;
  state.start = start;
  return at;
}

/** How many line ends the end of the bytes asks for. */
export const missingEnds = (state: LineState): number => (state.crs > 0 ? state.crs : state.start ? 0 : 1);

/** The bytes by the rule. */
export function canonical(bytes: Buffer): Buffer {
  const state = lineState();
  const to = Buffer.allocUnsafe(roomFor(bytes.length, state) + 2);
  const length = convert({ from: bytes, to }, state, 'plain');
  return to.subarray(0, endLines(to, length, missingEnds(state)));
}

function endLines(to: Buffer, at: number, count: number): number {
  let end = at;
  for (let n = 0; n < count; n++) {
    to[end++] = CR;
    to[end++] = LF;
  }
  return end;
}
