/*
 * A message's bytes as they lie on a disk. Line ends are LF: the CRs before an LF go away, however many, as on the wire
 * they are one line end with it (`message/lines`). A CR that no LF follows stays, since no reader of files takes it for
 * a line end. The last line gets an end where it has none.
 *
 * Form `mboxrd` has one `>` more before each line that is `From ` behind any number of `>`, so that no line of a message
 * is taken for the start of the next one, and a reader can undo it.
 */

/** Push the header, then the body's chunks, then end. */
export interface DiskForm {
  /** The chunk in memory of its own. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

const LF = 10;
const CR = 13;
const GREATER = 62;
const FROM = Buffer.from('From ');
/** CRs in a row that are kept without waiting for what follows. */
const RUN_LIMIT = 65_536;
/** What is no part of a `From `. */
const MIDDLE = -1;

export function createDiskForm(form: 'plain' | 'mboxrd'): DiskForm {
  const start = form === 'mboxrd' ? 0 : MIDDLE;
  /** Undecided CRs. */
  let crs = 0;
  /** Octets of `From ` that the line has shown and that are not written yet, or MIDDLE. */
  let matched = start;
  let isNewLine = true;

  /** Writes what is held back of a line that is no `From `. */
  function release(to: Buffer, at: number): number {
    const end = matched > 0 ? at + FROM.copy(to, at, 0, matched) : at;
    matched = MIDDLE;
    return end;
  }

  function endLine(to: Buffer, at: number): number {
    const end = release(to, at);
    to[end] = LF;
    crs = 0;
    matched = start;
    isNewLine = true;
    return end + 1;
  }

  function push(from: Buffer): Buffer {
    // A quote for each six octets at most, and what was held back.
    const to = Buffer.allocUnsafe(from.length + Math.ceil(from.length / 5) + crs + 2 * FROM.length);
    let at = 0;
    for (let i = 0; i < from.length; ) {
      let octet = from[i++] ?? 0;
      if (octet === LF) {
        at = endLine(to, at);
        continue;
      }
      if (octet === CR && ++crs < RUN_LIMIT) continue;
      isNewLine = false;
      if (crs > 0) {
        at = release(to, at);
        to.fill(CR, at, at + crs);
        at += crs;
        crs = 0;
        if (octet === CR) continue;
      }
      if (matched >= 0) {
        if (octet === FROM[matched]) {
          matched += 1;
          if (matched < FROM.length) continue;
          to[at++] = GREATER;
          at = release(to, at);
          continue;
        }
        // The quote stands behind the others as well as before them.
        if (octet !== GREATER || matched > 0) at = release(to, at);
      }
      to[at++] = octet;
      if (matched >= 0) continue;
      // The rest of the line: a loop of its own, which makes all of it three times as fast.
      for (; i < from.length; i++) {
        octet = from[i] ?? 0;
        if (octet === LF || octet === CR) break;
        to[at++] = octet;
      }
    }
    return to.subarray(0, at);
  }

  return {
    push,
    end() {
      if (isNewLine && crs === 0) return Buffer.alloc(0);
      const to = Buffer.allocUnsafe(FROM.length + 1);
      return to.subarray(0, endLine(to, 0));
    },
  };
}
