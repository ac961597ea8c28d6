const LF = 0x0a;
/** What is no longer is copied here faster than by a call. */
const SHORT = 24;

/** Octets that are being written, in memory that grows. */
export class Bytes {
  #memory = Buffer.allocUnsafe(64 * 1024);
  #length = 0;
  /** The last octet taken. */
  #last = LF;

  /** Makes room for so many octets more. */
  #grow(octets: number): void {
    const larger = Buffer.allocUnsafe(2 * (this.#length + octets));
    this.#memory.copy(larger, 0, 0, this.#length);
    this.#memory = larger;
  }

  octet(value: number): void {
    if (this.#length === this.#memory.length) this.#grow(1);
    this.#memory[this.#length++] = value;
  }

  put(bytes: Buffer, start = 0, end = bytes.length): void {
    if (this.#length + end - start > this.#memory.length) this.#grow(end - start);
    if (end - start > SHORT) {
      this.#length += bytes.copy(this.#memory, this.#length, start, end);
      return;
    }
    for (let at = start; at < end; at++) this.#memory[this.#length++] = bytes[at] ?? 0;
  }

  ascii(text: string): void {
    if (this.#length + text.length > this.#memory.length) this.#grow(text.length);
    this.#length += this.#memory.write(text, this.#length, 'latin1');
  }

  /** Writes a line end, where what was written doesn't end with one. */
  endLine(): void {
    const last = this.#length > 0 ? this.#memory[this.#length - 1] : this.#last;
    if (last !== LF) this.ascii('\r\n');
  }

  /** What was written since the last time, in memory of its own. */
  take(): Buffer {
    const taken = Buffer.from(this.#memory.subarray(0, this.#length));
    this.#last = taken.at(-1) ?? this.#last;
    this.#length = 0;
    return taken;
  }
}
