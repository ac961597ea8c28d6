import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { inTime } from '../mail/ending.ts';
import { makeFolders } from './disk.ts';
import { eventLine, type QueueEvent } from './event.ts';

/*
 * The log of the queue: a line of JSON for each event, appended to a file, written to standard error or given to
 * logger(1). A line is written whole, so that any number of processes may share a file. The file is opened anew after a
 * second, so that one that was moved away by logrotate is let go. Trouble with the log never stops mail: what can't be
 * written is lost, and the next line is tried again.
 */

export interface EventLog {
  /** Never throws. */
  write(event: QueueEvent): void;
  /** Ends it, and waits a moment for what is on its way. */
  close(): Promise<void>;
}

export type LogPlace = 'none' | 'syslog' | { readonly file: string } | { write(line: string): void };

/** `tag`: what syslog calls us. */
export function openEventLog(place: LogPlace, tag = 'posthaste'): EventLog {
  if (place === 'none') return { write: () => {}, close: async () => {} };
  if (place === 'syslog') return toSyslog(tag);
  if ('file' in place) return toFile(place.file);
  return { write: (event) => place.write(eventLine(event)), close: async () => {} };
}

/** A log that was moved away is written to that long, in milliseconds. */
const REOPEN = 1000;
/** What is written to a pipe at once is not mixed with what others write. */
const AT_ONCE = 4096;

function toFile(file: string): EventLog {
  let descriptor: number | undefined;
  let until = 0;
  const shut = (): void => {
    const old = descriptor;
    descriptor = undefined;
    try {
      if (old !== undefined) closeSync(old);
    } catch {
      // Lines that are lost are no trouble of the mail's.
    }
  };
  /** Lines of one moment, which cost one write. */
  let lines = '';
  let last = 0;

  function flush(): void {
    const text = lines;
    lines = '';
    if (text === '') return;
    try {
      if (last >= until || last < until - REOPEN) {
        shut();
        descriptor = openForAppending(file);
        until = last + REOPEN;
      }
      if (descriptor !== undefined) writeSync(descriptor, text);
    } catch {
      until = 0;
    }
  }

  return {
    write(event) {
      const text = eventLine(event);
      if (lines.length + text.length > AT_ONCE) flush();
      if (lines === '') queueMicrotask(flush);
      lines += text;
      last = event.time;
    },
    async close() {
      flush();
      shut();
      until = 0;
    },
  };
}

/** Not through a symbolic link, and without waiting for the reader of a pipe. */
function openForAppending(file: string): number {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const flags = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;
  try {
    return openSync(file, flags, 0o600);
  } catch {
    makeFolders(dirname(file));
    return openSync(file, flags, 0o600);
  }
}

/** Milliseconds that logger(1) has for the last lines. */
const PATIENCE = 1000;

function toSyslog(tag: string): EventLog {
  const logger = spawn('logger', ['-t', tag, '-p', 'mail.info'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve) => logger.on('error', () => resolve()).on('close', () => resolve()));
  logger.stdin.on('error', () => {});
  logger.unref();
  return {
    write: (event) => {
      logger.stdin.write(eventLine(event));
    },
    async close() {
      logger.stdin.end();
      await inTime(ended, PATIENCE);
    },
  };
}
