import type { Overrides } from '../config/defaults.ts';
import { readOwn } from './own-file.ts';

/*
 * What files of the configuration mean, so that a send need not load what checks them: that takes a third as long as all
 * else. A meaning is found by the whole text of its file, where the file lies, the home that `~/` stands for and the
 * build that read it, so that nothing is ever out of date; none of what is wrong is kept, and no password.
 *
 * It is believed only where nobody but ourselves can have written it. Trouble with it is no trouble of the mail: the
 * file is read as ever then.
 */
export interface ConfigMemory {
  recall(file: FileText): Overrides | undefined;
  keep(file: FileText, overrides: Overrides): Promise<void>;
}

export interface FileText {
  /** Absolute. */
  readonly at: string;
  readonly home: string | undefined;
  readonly bytes: Uint8Array;
}

/** Octets of a file whose meaning is kept, and of all that is kept. */
const MOST_TEXT = 65_536;
const MOST = 524_288;
/** Files; those of the system, our own, and one that is named now and then. */
const MOST_ENTRIES = 8;
const OTHERS = 0o077;

/**
 * The memory in a file; `build` is the digest of what reads configurations. It stands in the first line, and for each
 * configuration there are two more of JSON: what it is found by, and what it means. So only what is found is parsed.
 */
export function openConfigMemory(path: string, build: string): ConfigMemory {
  let kept: Buffer | undefined;
  return {
    recall(file) {
      const key = keyOf(file);
      kept ??= read(path, build);
      return key === undefined ? undefined : meaningOf(key, kept);
    },
    async keep(file, overrides) {
      const key = keyOf(file);
      const meaning = JSON.stringify(overrides);
      // A proxy has one; a configuration with it is read each time.
      if (key === undefined || file.bytes.length > MOST_TEXT || meaning.includes('"password":')) return;
      kept ??= read(path, build);
      const place = placeOf(file);
      const others = pairsIn(kept).filter((pair) => !pair.startsWith(place));
      const pairs = [`${key}\n${meaning}`, ...others].slice(0, MOST_ENTRIES);
      const text = `${[build, ...pairs].join('\n')}\n`;
      kept = Buffer.from(text);
      const { replaceState } = await import('./state-file.ts');
      replaceState(path, text);
    },
  };
}

/** Undefined for octets that are no UTF-8: what takes their place would make different files the same. */
function keyOf(file: FileText): string | undefined {
  const text = Buffer.from(file.bytes).toString();
  return text.includes('\ufffd') ? undefined : `${placeOf(file)},${JSON.stringify(text)}]`;
}

/** How the keys of all texts that this file had begin. */
const placeOf = ({ at, home = '' }: FileText): string => `[${JSON.stringify(at)},${JSON.stringify(home)}`;

/** No line of JSON has a line end in it, so that what stands between two of them is a whole one. */
function meaningOf(key: string, kept: Buffer): Overrides | undefined {
  const found = kept.indexOf(`\n${key}\n`);
  if (found < 0) return undefined;
  const start = found + Buffer.byteLength(key) + 2;
  try {
    return JSON.parse(kept.toString('utf8', start, kept.indexOf('\n', start)));
  } catch {
    return undefined;
  }
}

function pairsIn(kept: Buffer): readonly string[] {
  const [, ...lines] = kept.toString().split('\n');
  return lines.flatMap((line, index) => (line.startsWith('[') ? [`${line}\n${lines[index + 1]}`] : []));
}

function read(path: string, build: string): Buffer {
  try {
    const kept = readOwn({ path, most: MOST, closed: OTHERS });
    return kept.indexOf(`${build}\n`) === 0 ? kept : NOTHING;
  } catch {
    return NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);
