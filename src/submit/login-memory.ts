import { isRecord, jsonOf } from '../mail/json.ts';
import type { LoginMemory } from '../smtp/sasl/names.ts';
import { readOwn, WRITABLE_BY_OTHERS } from './own-file.ts';
import { type Asker, statePlace } from './places.ts';
import { replaceState } from './state-file.ts';

/*
 * Which mechanism each account was last used with, in a small file that a person can read and edit: JSON with a line for
 * each account, `"smtp.example.org:465 ann": "SCRAM-SHA-256"`. To take an account's line away, or the file, is to forget.
 *
 * It is written when something changes, that is once for most accounts, and without an fsync: what a power cut takes is
 * learned again. Several processes may share it; of two that write at the same instant one wins. No trouble with it ever
 * stops mail: what can't be read is not known, and what can't be written is forgotten. There is no secret in it.
 */

/** Octets, and accounts; the oldest go first. */
const MOST = 262_144;
const MOST_ACCOUNTS = 1000;

/** The memory of who asks; one that forgets where there is no place for it. */
export function loginMemoryOf(asker: Asker): LoginMemory {
  const place = statePlace('mechanisms.json', asker);
  return 'path' in place ? openLoginMemory(place.path) : { strongest: () => undefined, remember() {} };
}

export function openLoginMemory(path: string): LoginMemory {
  return {
    strongest: (key) => read(path).get(key),
    remember(key, mechanism) {
      const known = read(path);
      if (known.get(key) === mechanism) return;
      known.delete(key);
      known.set(key, mechanism);
      write(path, [...known].slice(-MOST_ACCOUNTS));
    },
  };
}

function read(path: string): Map<string, string> {
  try {
    const value = jsonOf(readOwn({ path, most: MOST, closed: WRITABLE_BY_OTHERS }).toString());
    const entries = isRecord(value) ? Object.entries(value) : [];
    return new Map(entries.flatMap(([key, name]) => (typeof name === 'string' ? [[key, name] as const] : [])));
  } catch {
    return new Map();
  }
}

function write(path: string, known: readonly (readonly [string, string])[]): void {
  replaceState(path, `${JSON.stringify(Object.fromEntries(known), undefined, 2)}\n`);
}
