import { hash } from 'node:crypto';
import { ENTRY_VERSION, type QueueEntry } from '../mail/entry.ts';
import { jsonOf } from '../mail/json.ts';
import { entryFault, isEntry } from './entry-shape.ts';

/*
 * An entry as the bytes of its file: one line of JSON whose first field, `check`, is the SHA-256 of all that follows it.
 * So a file that was cut, or has one bit turned round, is never taken for an entry, and still any tool can read it. A file
 * of another version is neither damaged nor ours to judge: it is told apart, and left as it is.
 */

/** No file is read that is larger: 100,000 recipients with a history fit in it. */
export const MAX_ENTRY_FILE = 256 * 1024 * 1024;

export type EntryReading =
  | { readonly kind: 'entry'; readonly entry: QueueEntry }
  | { readonly kind: 'version' | 'damaged'; readonly reason: string };

const OPENING = '{"check":"';
const DIGEST_DIGITS = 64;
/** Where what `check` is made of begins. */
const REST = OPENING.length + DIGEST_DIGITS + '",'.length;

/** The bytes of the entry's file. @throws {TypeError} where the entry is none: it could not be read again */
export function serializeEntry(entry: QueueEntry): Buffer {
  const fault = entryFault(entry);
  if (fault !== '') throw new TypeError(`Cannot write entry: entry${fault}`);
  const rest = Buffer.from(`${JSON.stringify(entry).slice(1)}\n`, 'utf8');
  return Buffer.concat([Buffer.from(`${OPENING}${digest(rest)}",`, 'latin1'), rest]);
}

/** Reads the file of the entry `id`; never throws. */
export function parseEntry(bytes: Buffer, id: string): EntryReading {
  const rest = bytes.subarray(REST);
  const head = bytes.toString('latin1', 0, REST);
  if (head !== `${OPENING}${digest(rest)}",`) return stranger(bytes);
  const value = jsonOf(`{${rest.toString('utf8')}`);
  if (isEntry(value)) {
    if (value.id === id) return { kind: 'entry', entry: value };
    return { kind: 'damaged', reason: `it is the entry ${value.id} under another name` };
  }
  const version = versionOf(value);
  if (version !== undefined) return otherVersion(version);
  return { kind: 'damaged', reason: `entry${entryFault(value)}` };
}

/** What has not our checksum: of another version, where it says so in whole JSON, else damaged. */
function stranger(bytes: Buffer): EntryReading {
  const version = versionOf(jsonOf(bytes.toString('utf8')));
  if (version !== undefined) return otherVersion(version);
  return { kind: 'damaged', reason: 'its checksum is wrong' };
}

const otherVersion = (version: number): EntryReading => ({
  kind: 'version',
  reason: `it has version ${version}, and this program reads version ${ENTRY_VERSION}`,
});

/** The version, where it is one and not ours. */
function versionOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('version' in value)) return undefined;
  const { version } = value;
  return typeof version === 'number' && Number.isInteger(version) && version !== ENTRY_VERSION ? version : undefined;
}

const digest = (bytes: Buffer): string => hash('sha256', bytes);
