import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Overrides } from '../config/defaults.ts';
import { type Asker, statePlace } from './places.ts';

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
  /** A character for each octet. */
  readonly text: string;
  readonly overrides: Overrides;
}

/** Octets of a file whose meaning is kept, and of all that is kept. */
const MOST_TEXT = 65_536;
const MOST = 524_288;
/** Files; those of the system, our own, and one that is named now and then. */
const MOST_ENTRIES = 8;
const OTHERS = 0o077;

/** The memory of who asks; `build` is the digest of what reads files. Undefined where there is no place for it. */
export function configMemoryOf(asker: Asker, build: string): ConfigMemory | undefined {
  const place = statePlace('config.json', asker);
  return 'path' in place ? openConfigMemory(place.path, build) : undefined;
}

export function openConfigMemory(path: string, build: string): ConfigMemory {
  let entries: readonly Entry[] | undefined;
  const isOf = ({ at, home = '', bytes }: FileText) => {
    const text = Buffer.from(bytes).toString('latin1');
    return (entry: Entry) => entry.at === at && entry.home === home && entry.text === text;
  };
  return {
    recall(file) {
      entries ??= read(path, build);
      return entries.find(isOf(file))?.overrides;
    },
    async keep({ at, home = '', bytes }, overrides) {
      // A proxy has one; a configuration with it is read each time.
      if (bytes.length > MOST_TEXT || overridesHavePassword(overrides)) return;
      const others = (entries ?? read(path, build)).filter((entry) => entry.at !== at || entry.home !== home);
      const fresh = { at, home, text: Buffer.from(bytes).toString('latin1'), overrides };
      entries = [fresh, ...others].slice(0, MOST_ENTRIES);
      const { replaceState } = await import('./state-file.ts');
      replaceState(path, JSON.stringify({ build, entries }));
    },
  };
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
