import { isUtf8 } from 'node:buffer';
import { type Completion, complete } from './complete.ts';
import { type Header, headerBytes, unfoldedValue } from './header.ts';
import type { Message } from './message.ts';
import { combine, scanBytes, scanSource } from './scan.ts';
import type { Source } from './source.ts';
import { splitHead } from './split.ts';

/** How the bytes of a source are reached; the rooms that touch files bring these. */
export interface Rooms {
  /** The first octets of the source, at most so many; fewer only where there are no more. */
  head(source: Source, octets: number): Promise<Buffer>;
  /** The source from `offset` on. */
  section(source: Source, offset: number): Source;
}

export interface Prepared {
  readonly message: Message;
  /** The fields as they came, Bcc included. */
  readonly fields: Header;
  /** The fields that were added, as `Name: value`. */
  readonly added: readonly string[];
  /** The names of the fields that were taken out. */
  readonly removed: readonly string[];
}

export interface Preparing extends Completion {
  /** Changes the fields before those that are missing are added. */
  readonly amend?: (fields: Header, body: SeenBody) => Header;
}

/** What is known of a body when its header is amended. */
export interface SeenBody {
  /** It is UTF-8 and more than ASCII. One that is too large for memory is not looked at for that. */
  isUtf8(): boolean;
}

/**
 * Makes a message of what a caller gave us: split, completed, and its facts found in one pass over the body.
 * @throws {MessageError} where the header is beyond all bounds
 * @throws {TypeError} where the sender, the name or our names hold CR, LF or NUL
 */
export async function prepare(source: Source, options: Preparing, rooms: Rooms): Promise<Prepared> {
  const { fields, bodyOffset } = await splitHead(source.size, (octets) => rooms.head(source, octets));
  const body = rooms.section(source, bodyOffset);
  const facts = await scanSource(body);
  const seen = { isUtf8: () => facts.eightBit && body.bytes !== undefined && isUtf8(body.bytes) };
  const completed = complete(options.amend?.(fields, seen) ?? fields, options);
  const header = headerBytes(completed.fields);
  return {
    message: { header, body, facts: combine(scanBytes(header), facts) },
    fields,
    added: completed.added.map((field) => `${field.name}: ${unfoldedValue(field)}`),
    removed: completed.removed.map((field) => field.name),
  };
}
