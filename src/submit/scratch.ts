import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../message/file-source.ts';
import { memorySource, type Source } from '../message/source.ts';

/** Bytes that are made once and then read any number of times. */
export interface Scratch {
  /** Octets written so far. */
  readonly size: number;
  /** Takes a copy of the chunk. @throws {Error} with the system's `code` (ENOSPC …) where it can't be kept */
  write(chunk: Buffer): void;
  /** The bytes; nothing can be written after it. */
  finish(): Source;
  /** Throws away what was written, where `finish` will not be called. */
  discard(): void;
}

/** What is no larger stays in memory: nearly all mail does, and a process can afford it. */
export const IN_MEMORY = 1_048_576;

/**
 * A place for bytes of unknown number: up to 1 MiB in memory, more in a temporary file that has no name any more, so
 * that no one finds it and nothing is left behind however the program ends.
 */
export function scratch(): Scratch {
  let kept: Buffer[] = [];
  let size = 0;
  let descriptor: number | undefined;
  return {
    get size() {
      return size;
    },
    write(chunk) {
      if (descriptor === undefined && size + chunk.length > IN_MEMORY) {
        descriptor = openUnnamed();
        for (const part of kept) writeAll(descriptor, part);
        kept = [];
      }
      if (descriptor === undefined) kept.push(Buffer.from(chunk));
      else writeAll(descriptor, chunk);
      size += chunk.length;
    },
    finish() {
      if (descriptor === undefined) return memorySource(Buffer.concat(kept, size));
      return fileSource({ descriptor, offset: 0, size });
    },
    discard() {
      kept = [];
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** Opens a new file that only we can read, and takes its name away. */
function openUnnamed(): number {
  const path = join(tmpdir(), `posthaste-${randomBytes(12).toString('hex')}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(path, flags, 0o600);
  unlinkSync(path);
  return descriptor;
}

function writeAll(descriptor: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at, chunk.length - at);
}
