/** Bytes that can be read any number of times: a piece of memory or of a file. */
export interface Source {
  /** Octets. */
  readonly size: number;
  /** All the bytes, where they are in memory. */
  readonly bytes?: Buffer;
  /**
   * Reads from the start, in order. A chunk's memory is reused: it is valid only until the next one is asked for.
   * @throws {Error} where the file can't be read any more, or is no longer what it was.
   */
  chunks(): AsyncIterable<Buffer>;
  /** Gives the file back, where there is one; nothing can be read after it. */
  close?(): void;
}

/** A source of bytes in memory. */
export function memorySource(bytes: Buffer): Source {
  return {
    size: bytes.length,
    bytes,
    async *chunks() {
      if (bytes.length > 0) yield bytes;
    },
  };
}

/** The part of a source from an offset on. What comes before it is read again and passed over. */
export function section(source: Source, offset: number): Source {
  if (source.bytes !== undefined) return memorySource(source.bytes.subarray(offset));
  return {
    size: Math.max(0, source.size - offset),
    async *chunks() {
      let before = offset;
      for await (const chunk of source.chunks()) {
        if (chunk.length > before) yield before > 0 ? chunk.subarray(before) : chunk;
        before = Math.max(0, before - chunk.length);
      }
    },
    ...(source.close === undefined ? {} : { close: () => source.close?.() }),
  };
}

/** The first octets of a source, at most so many; fewer only where there are no more. */
export async function head(source: Source, octets: number): Promise<Buffer> {
  if (source.bytes !== undefined) return source.bytes.subarray(0, octets);
  const parts: Buffer[] = [];
  let missing = octets;
  for await (const chunk of source.chunks()) {
    parts.push(Buffer.from(chunk.subarray(0, missing)));
    missing -= chunk.length;
    if (missing <= 0) break;
  }
  return Buffer.concat(parts);
}
