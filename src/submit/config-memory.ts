import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Overrides } from '../config/defaults.ts';

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

interface Entry {
  readonly at: string;
  readonly home: string;
  readonly text: string;
  readonly overrides: Overrides;
}

/** Octets of a file whose meaning is kept, and of all that is kept. */
const MOST_TEXT = 65_536;
const MOST = 524_288;
/** Files; those of the system, our own, and one that is named now and then. */
const MOST_ENTRIES = 8;
const OTHERS = 0o077;

/** The memory in a file; `build` is the digest of what reads configurations. */
export function openConfigMemory(path: string, build: string): ConfigMemory {
  let entries: readonly Entry[] | undefined;
  const isOf = ({ at, home = '', bytes }: FileText) => {
    const text = textOf(bytes);
    return (entry: Entry) => entry.at === at && entry.home === home && entry.text === text;
  };
  return {
    recall(file) {
      entries ??= read(path, build);
      return entries.find(isOf(file))?.overrides;
    },
    async keep({ at, home = '', bytes }, overrides) {
      const text = textOf(bytes);
      // A proxy has one; a configuration with it is read each time.
      if (text === undefined || bytes.length > MOST_TEXT || overridesHavePassword(overrides)) return;
      const others = (entries ?? read(path, build)).filter((entry) => entry.at !== at || entry.home !== home);
      const fresh = { at, home, text, overrides };
      entries = [fresh, ...others].slice(0, MOST_ENTRIES);
      const { replaceState } = await import('./state-file.ts');
      replaceState(path, JSON.stringify({ build, entries }));
    },
  };
}

/** Undefined for octets that are no UTF-8: what takes their place would make different files the same. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString();
  return text.includes('\ufffd') ? undefined : text;
}

const overridesHavePassword = (overrides: Overrides): boolean => JSON.stringify(overrides).includes('"password":');

function read(path: string, build: string): readonly Entry[] {
  try {
    const found: { readonly build?: unknown; readonly entries?: readonly Entry[] } = JSON.parse(readOwn(path));
    return found.build === build && Array.isArray(found.entries) ? found.entries : [];
  } catch {
    return [];
  }
}

/** @throws {Error} for what is no small file of ours alone */
function readOwn(path: string): string {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    const isOurs = stat.isFile() && stat.uid === process.geteuid?.() && (stat.mode & OTHERS) === 0;
    if (!isOurs || stat.size > MOST) throw new Error('Cannot read configuration memory: it is no small file of ours');
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
