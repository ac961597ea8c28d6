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
