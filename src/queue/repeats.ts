import { createHash } from 'node:crypto';
import { type Address, formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { isRecord } from '../mail/json.ts';
import { find, unfoldedValue } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import { split } from '../message/split.ts';
import { openSharedFile, type SharedFileOptions } from './shared-file.ts';
import type { Spool } from './spool.ts';
import type { EntryDraft } from './spool-write.ts';

/*
 * Messages that say the same again and again, as those of a cron job that fails each minute. The first goes at once. Those
 * with the same sender, recipients, subject and body that come within the window are counted, and one message in their
 * place goes when the window ends: an entry like any other, whose first attempt is due then.
 *
 *   const { accept } = gatherRepeats({ spool, window, compose, now, fsync, sleep });
 *
 * Each message that is counted makes a new entry for all so far, and then the one before it goes: who is killed between
 * the two has counted twice, and lost nothing. `repeats.json` in the spool's folder says which entry it is. Who can't have
 * the file's lock, or can't use what is in it, queues the message as it is.
 */
export interface Repeated {
  /** Messages after the first. */
  readonly count: number;
  /** When the one that was sent came, and the first and the last of the others, in milliseconds since 1970. */
  readonly sent: number;
  readonly first: number;
  readonly last: number;
}

export interface RepeatOptions extends Omit<SharedFileOptions, 'name' | 'purpose' | 'spool'> {
  readonly spool: Pick<Spool, 'folder' | 'acquire' | 'accept' | 'acceptAs' | 'claim' | 'remove'>;
  /** Milliseconds. */
  readonly window: number;
  now(): number;
  /** What goes in the place of those that were counted. */
  compose(message: Message, repeated: Repeated): Promise<Message>;
}

interface Kept extends Repeated {
  /** The entry of those that were counted. */
  readonly id?: string;
}

type State = Readonly<Record<string, Kept>>;

/** More kinds of mail at a time are not told apart: a program puts something new into each message. */
const MOST_KINDS = 1000;

/** Takes messages as the spool does. */
export function gatherRepeats(options: RepeatOptions): Pick<Spool, 'accept' | 'acceptAs'> {
  const { spool, window, now, compose } = options;
  const file = openSharedFile({ ...options, name: 'repeats', purpose: 'gather repeated messages' });

  /** Those whose window is open. */
  function open(): State {
    const content = file.read();
    const time = now();
    const isOpen = ({ sent }: Kept): boolean => sent <= time && time < sent + window;
    return isState(content) ? Object.fromEntries(Object.entries(content).filter(([, kept]) => isOpen(kept))) : {};
  }

  /** The message is queued already: at worst, the next one is not gathered with it. */
  const remember = (state: State): Promise<void> => file.write(state).catch(() => {});

  async function begin<E>(kind: string, state: State, { message, draft, put }: Taken<E>): Promise<E> {
    const entry = await put(message, draft);
    const time = now();
    if (entry !== undefined && Object.keys(state).length < MOST_KINDS) {
      await remember({ ...state, [kind]: { count: 0, sent: time, first: time, last: time } });
    }
    return entry;
  }

  async function count<E extends QueueEntry | undefined>(
    kind: string,
    state: State,
    { kept, message, draft, put }: Counted<E>,
  ): Promise<E> {
    const time = now();
    const repeated = {
      count: kept.count + 1,
      sent: kept.sent,
      first: kept.count === 0 ? time : kept.first,
      last: time,
    };
    const { messageId: _, ...rest } = draft;
    const recipients = draft.recipients.map((each) => ({ ...each, nextAttempt: kept.sent + window }));
    const entry = await put(await compose(message, repeated), { ...rest, recipients });
    if (entry === undefined) return entry;
    await remember({ ...state, [kind]: { ...repeated, id: entry.id } });
    if (kept.id !== undefined) await drop(kept.id).catch(() => {});
    return entry;
  }

  /** One that is on its way already stays. */
  async function drop(id: string): Promise<void> {
    const claim = await spool.claim(id);
    if (claim === undefined) return;
    try {
      if (claim.entry.recipients.every(({ attempts }) => attempts === 0)) await spool.remove(claim);
    } finally {
      await claim.release();
    }
  }

  async function take<E extends QueueEntry | undefined>(taken: Taken<E>): Promise<E> {
    const kind = await kindOf(taken.message, taken.draft);
    const done = await file.locked(async () => {
      const state = open();
      const kept = Object.hasOwn(state, kind) ? state[kind] : undefined;
      return { entry: await (kept === undefined ? begin(kind, state, taken) : count(kind, state, { ...taken, kept })) };
    });
    return done === undefined ? taken.put(taken.message, taken.draft) : done.entry;
  }

  return {
    accept: (message, draft) => take({ message, draft, put: spool.accept }),
    acceptAs: (id, message, draft) => take({ message, draft, put: (...each) => spool.acceptAs(id, ...each) }),
  };
}

interface Taken<E> {
  readonly message: Message;
  readonly draft: EntryDraft;
  /** Puts one into the spool; undefined where it was not taken. */
  put(message: Message, draft: EntryDraft): Promise<E>;
}

interface Counted<E> extends Taken<E> {
  readonly kept: Kept;
}

/** What is the same of messages that say the same. */
async function kindOf(
  { header, body }: Message,
  { envelope: { sender }, recipients, uid }: EntryDraft,
): Promise<string> {
  const hash = createHash('sha256');
  const text = (address: Address | null): string => (address === null ? '' : formatAddress(address));
  const whom = recipients.map(({ recipient }) => text(recipient.address)).sort();
  const fields = split(header, true);
  const subject = fields === 'more' ? undefined : find(fields.fields, 'Subject');
  hash.update(JSON.stringify([uid, text(sender), whom, subject === undefined ? '' : unfoldedValue(subject)]));
  for await (const chunk of body.chunks()) hash.update(chunk);
  return hash.digest('hex');
}

const isState = (value: unknown): value is State =>
  isRecord(value) &&
  Object.values(value).every(
    (kept) =>
      isRecord(kept) &&
      [kept.count, kept.sent, kept.first, kept.last].every((each) => typeof each === 'number') &&
      (kept.id === undefined || typeof kept.id === 'string'),
  );
