import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddress } from '../../src/mail/address.ts';
import type { QueueEntry } from '../../src/mail/entry.ts';
import type { Message } from '../../src/message/message.ts';
import { prepare } from '../../src/message/prepare.ts';
import { head, section } from '../../src/message/source.ts';
import { type Disk, systemDisk } from '../../src/queue/disk.ts';
import type { DropHead } from '../../src/queue/drop-file.ts';
import { type Dropped, putIntoDrop } from '../../src/queue/drop-put.ts';
import { type DropRules, type TakingIn, takeIn } from '../../src/queue/drop-take.ts';
import type { QueueEvent } from '../../src/queue/event.ts';
import type { Owner } from '../../src/queue/owner.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool, type Spool } from '../../src/queue/spool.ts';
import { makeDrop } from '../../src/queue/spool-folders.ts';
import { scratch } from '../../src/submit/scratch.ts';
import { HELLO, messageOf } from './message.ts';
import { scratchFolder } from './spool.ts';

/** Who we are, and where the tests run as root somebody else. */
export const ME = process.getuid?.() ?? 0;
export const isRoot = ME === 0;

export const headFor = (...locals: readonly string[]): DropHead => ({
  envelope: {},
  sender: { local: 'ann', domain: 'example.net' },
  isLocalSender: false,
  isNamed: false,
  recipients: locals.map((local) => ({ address: { local, domain: 'example.org' } })),
  aliases: true,
  gather: false,
});

/** A spool with a drop, what is put into it, and what was told when it was taken in. */
export interface DropScene {
  readonly folder: string;
  readonly drop: string;
  readonly events: QueueEvent[];
  put(head?: DropHead, message?: Message): Promise<Dropped>;
  open(over?: { readonly disk?: Disk; readonly process?: Owner }): Promise<Spool>;
  take(over?: Partial<DropRules> & { readonly disk?: Disk; readonly process?: Owner }): Promise<number>;
  entries(): Promise<readonly QueueEntry[]>;
  /** The names in a folder of the spool. */
  names(folder: string): readonly string[];
}

export async function dropScene(): Promise<DropScene> {
  const folder = join(scratchFolder(), 'spool');
  const drop = join(folder, 'drop');
  const events: QueueEvent[] = [];
  const fsync = false;
  await makeDrop({ disk: systemDisk, folder, fsync });
  const open: DropScene['open'] = (over = {}) =>
    openSpool({ folder, fsync, process: currentOwner(), now: Date.now, ...over });
  return {
    folder,
    drop,
    events,
    put: (head = headFor('bob'), message = messageOf(HELLO)) =>
      putIntoDrop({ disk: systemDisk, folder: drop, fsync, now: Date.now }, head, message),
    open,
    async take({ disk = systemDisk, process = currentOwner(), ...rules } = {}) {
      const means: TakingIn = {
        world: { now: Date.now, scratch },
        fsync: true,
        signal: new AbortController().signal,
        rules: { domain: 'example.com', size: 100_000, messages: 100, admit, ...rules },
        log: (event) => events.push(event),
        disk,
      };
      return takeIn(await open({ disk, process }), means);
    },
    async entries() {
      const found: QueueEntry[] = [];
      for await (const entry of (await open()).entries()) found.push(entry);
      return found;
    },
    names: (name) => readdirSync(join(folder, name)).sort(),
  };
}

/** Takes a message as it is. */
export const admit: DropRules['admit'] = async ({ head: asked, source, uid }) => {
  const { envelope, sender, recipients } = asked;
  const completion = { now: 0, zone: 0, random: () => 0.5, fqdn: 'example.com', domain: 'example.com', sender };
  const { message } = await prepare(source, completion, { head, section });
  return {
    message,
    draft: {
      ...{ queued: 0, envelope: { ...envelope, sender }, way: {}, uid },
      recipients: recipients.map((recipient) => ({
        ...{ recipient, state: 'pending', attempts: 0, nextAttempt: 0, history: [] },
      })),
    },
  };
};

export const namesOf = ({ recipients }: QueueEntry): readonly string[] =>
  recipients.map(({ recipient }) => formatAddress(recipient.address));
