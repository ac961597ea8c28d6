/*
 * The lone dot. Where sendmail is called without `-i`, a line that holds nothing but a dot may mean that the message ends
 * there, as it did for those who typed their mail, and a line that begins with two dots was given one too many by callers
 * who know of that (Symfony and Swift do). Cron, PHP and most others say `-i`, and nothing here is done.
 *
 *   `classic`   a lone dot ends the message wherever it stands: on a terminal, and where the settings ask for it.
 *   `eof-only`  a lone dot ends it only where nothing follows, so that no line of a log is taken for the end of it.
 *   `ignore`    dots are text, as with `-i`.
 *
 * In the first two one dot of `..` at the start of a line goes, as in Sendmail (collect.c), which Postfix and Exim don't do.
 * A line starts after an LF, its end is an LF with or without CRs before it; a dot before the end of the input is a line.
 * One pass, no more held than a number, wherever the chunks are cut.
 *
 *   const source = await undot(await intake({}), dotRule({ ignoreDots, loneDot, terminal: false }));
 *   for await (const chunk of untilDot(standardInput())) …          // a terminal: ends at the dot, not at ^D
 */
import { RUN_LIMIT } from '../message/lines.ts';
import { memorySource, type Source } from '../message/source.ts';

export type LoneDot = 'classic' | 'eof-only' | 'ignore';

export interface DotOptions {
  /** `-i`, `-oi` or `-O IgnoreDots`. */
  readonly ignoreDots: boolean;
  /** The setting `lone_dot`. Default `eof-only`. */
  readonly loneDot?: LoneDot;
  /** Somebody types: a lone dot is the end, unless the settings say that it never is. */
  readonly terminal: boolean;
}

/** Which rule holds for this call. */
export function dotRule({ ignoreDots, loneDot = 'eof-only', terminal }: DotOptions): LoneDot {
  if (ignoreDots || loneDot === 'ignore') return 'ignore';
  return terminal ? 'classic' : loneDot;
}

export interface DotFilter {
  /** What of the chunk belongs to the message: it shares the chunk's memory, or is new. What is held back at the end of the input does not belong to it. */
  push(chunk: Buffer): Buffer;
  /** A lone dot was seen that ends the message: nothing more belongs to it. */
  readonly ended: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** `start`: of a line. `dot`: a dot was there, and some CRs. `lone`: a whole lone dot with its line end, undecided. */
type State = 'start' | 'middle' | 'dot' | 'lone' | 'ended';

/** The bytes of a message without the dots that are not of it. */
export function createDotFilter(rule: 'classic' | 'eof-only'): DotFilter {
  let state: State = 'start';
  let crs = 0;

  /** Reads one octet that stands at or behind a dot; returns what was held and is text after all. */
  function decide(octet: number): string {
    if (state === 'lone') {
      state = 'start';
      return `.${'\r'.repeat(crs)}\n`;
    }
    if (octet === LF) {
      state = rule === 'classic' ? 'ended' : 'lone';
      return '';
    }
    if (octet === CR && crs < RUN_LIMIT) {
      crs++;
      return '';
    }
    state = 'middle';
    return octet === DOT && crs === 0 ? '' : `.${'\r'.repeat(crs)}`;
  }

  function push(chunk: Buffer): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < chunk.length && state !== 'ended') {
      if (state === 'middle') {
        at = nextDot(chunk, at);
        state = at < chunk.length || chunk[at - 1] === LF ? 'start' : 'middle';
      } else if (state === 'start') {
        const isDot = chunk[at] === DOT;
        state = isDot ? 'dot' : 'middle';
        if (!isDot) continue;
        parts.push(chunk.subarray(from, at));
        crs = 0;
        at++;
        from = at;
      } else {
        const held = decide(chunk[at] ?? 0);
        if (held !== '') parts.push(Buffer.from(held, 'latin1'));
        if (state === 'dot' || state === 'lone' || state === 'ended') at++;
        from = at;
      }
    }
    if (state !== 'ended') parts.push(chunk.subarray(from));
    return joined(parts);
  }

  return {
    push: (chunk) => (state === 'ended' ? chunk.subarray(0, 0) : push(chunk)),
    get ended() {
      return state === 'ended';
    },
  };
}

/** Behind the first LF from `at` on that has a dot behind it; else the end. */
function nextDot(chunk: Buffer, at: number): number {
  const found = chunk.indexOf('\n.', at, 'latin1');
  return found < 0 ? chunk.length : found + 1;
}

function joined(parts: readonly Buffer[]): Buffer {
  const filled = parts.filter((part) => part.length > 0);
  return filled.length === 1 && filled[0] !== undefined ? filled[0] : Buffer.concat(filled);
}

/** The chunks up to a lone dot; whoever gives them is asked for no more after it. */
export async function* untilDot(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  const filter = createDotFilter('classic');
  for await (const chunk of chunks) {
    const kept = filter.push(chunk);
    if (kept.length > 0) yield kept;
    if (filter.ended) return undefined;
  }
  return undefined;
}

/**
 * The source by a rule; the same one where no dot is to go. One that is not in memory is read once for that, and filtered
 * again each time that it is read. @throws {Error} where it can't be read
 */
export async function undot(source: Source, rule: LoneDot): Promise<Source> {
  if (rule === 'ignore') return source;
  if (source.bytes !== undefined) {
    const kept = createDotFilter(rule).push(source.bytes);
    return kept.length === source.size ? source : memorySource(kept);
  }
  const chunks = async function* (): AsyncGenerator<Buffer, void> {
    const filter = createDotFilter(rule);
    for await (const chunk of source.chunks()) {
      const kept = filter.push(chunk);
      if (kept.length > 0) yield kept;
      if (filter.ended) return;
    }
  };
  let size = 0;
  for await (const chunk of chunks()) size += chunk.length;
  if (size === source.size) return source;
  return { size, chunks, ...(source.close === undefined ? {} : { close: () => source.close?.() }) };
}
