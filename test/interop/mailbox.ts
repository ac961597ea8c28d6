import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** What has arrived, in the order of arrival as far as a server keeps one. */
export interface Mailbox {
  /** Waits for so many messages that nobody has taken yet. Throws where they don't come, or more do. */
  take(count?: number): Promise<readonly Buffer[]>;
}

// A server that is busy with nothing else delivers in milliseconds.
const LIMIT_MS = 20_000;
const POLL_MS = 10;

/** The `new` folder of a Maildir. */
export function openMaildir(folder: string): Mailbox {
  const taken = new Set<string>();
  const waiting = () =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => !taken.has(name))
          .sort()
      : [];
  return {
    async take(count = 1) {
      const limit = Date.now() + LIMIT_MS;
      while (waiting().length < count && Date.now() < limit) await pause(POLL_MS);
      const names = waiting();
      if (names.length !== count) throw new Error(`Cannot take mail: ${names.length} messages and not ${count}`);
      return names.map((name) => {
        taken.add(name);
        return readFileSync(join(folder, name));
      });
    },
  };
}

/** The fields that servers put on top of a message (RFC 5321, section 4.4, and custom). */
const ON_TOP =
  /^(?:(?:Return-Path|Delivered-To|X-Original-To|Envelope-to|Delivery-date|Received):.*\n(?:[ \t].*\n)*)+/i;

/** A message as it was before the server put its fields on top, line ends as LF, octets as latin1. */
export const asSent = (arrived: Buffer): string =>
  arrived.toString('latin1').replaceAll('\r\n', '\n').replace(ON_TOP, '');
