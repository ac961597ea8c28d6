import { parseDuration } from '../config/duration.ts';
import { formatAddress } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { quoted } from '../mail/printable.ts';
import { formatReply } from '../mail/reply.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { formatSender } from './output.ts';
import type { GivenOf } from './program.ts';
import type { QueueKey } from './queue-options.ts';

/** Which messages, and which of their recipients, a command is for. Everything that is given must fit. */
export interface Selection {
  readonly ids?: ReadonlySet<string>;
  /** In lower case, as all texts here. */
  readonly idParts: readonly string[];
  readonly to: readonly string[];
  readonly from: readonly string[];
  readonly reason: readonly string[];
  /** Milliseconds. */
  readonly olderThan?: number;
  /** Nothing at all was said. */
  readonly isEmpty: boolean;
}

/** The form of an entry's id; whatever else it is, it is not a path. */
const ID = /^[0-9A-Za-z]{1,40}$/;

/** Reads a selection. @throws {CommandError} with 64 where a text can't be what it should be */
export function readSelection(given: GivenOf<QueueKey>, ids: readonly string[]): Selection {
  const texts = (key: QueueKey): readonly string[] => (given.get(key) ?? []).map((text) => filled(key, text));
  const strange = ids.find((id) => !ID.test(id));
  if (strange !== undefined) throw new CommandError(`Cannot use ${quoted(strange)}: it is no id`, EXIT.usage);
  const [duration] = (given.get('olderThan') ?? []).slice(-1);
  const olderThan = duration === undefined ? undefined : parseDuration(duration);
  if (duration !== undefined && olderThan === undefined) {
    throw new CommandError(
      `Cannot use --older-than ${quoted(duration)}: a duration is like 90s, 10m, 2h or 3d`,
      EXIT.usage,
    );
  }
  const lists = { idParts: texts('id'), to: texts('to'), from: texts('from'), reason: texts('reason') };
  return {
    ...lists,
    ...(ids.length === 0 ? {} : { ids: new Set(ids) }),
    ...(olderThan === undefined ? {} : { olderThan }),
    isEmpty: ids.length === 0 && olderThan === undefined && Object.values(lists).every((list) => list.length === 0),
  };
}

function filled(key: string, text: string): string {
  if (text === '') throw new CommandError(`Cannot use --${key}: it is empty`, EXIT.usage);
  return text.toLowerCase();
}

/** Whether the message fits, whoever its recipients are. */
export function fitsMessage(selection: Selection, entry: QueueEntry, now: number): boolean {
  const { ids, idParts, from, olderThan } = selection;
  const sender = formatSender(entry.envelope).toLowerCase() || '<>';
  return (
    (ids === undefined || ids.has(entry.id)) &&
    every(idParts, entry.id) &&
    every(from, sender) &&
    (olderThan === undefined || now - entry.queued >= olderThan)
  );
}

/** The recipients that are waiting and fit; none where the message does not. */
export function fitting(selection: Selection, entry: QueueEntry, now: number): readonly QueuedRecipient[] {
  if (!fitsMessage(selection, entry, now)) return [];
  return entry.recipients.filter(
    (each) =>
      each.state === 'pending' &&
      every(selection.to, formatAddress(each.recipient.address).toLowerCase()) &&
      every(selection.reason, reasonOf(each)),
  );
}

const every = (parts: readonly string[], text: string): boolean => parts.every((part) => text.includes(part));

function reasonOf({ last }: QueuedRecipient): string {
  if (last === undefined) return '';
  const { status, text, reply, host = '', address = '' } = last;
  return [status, host, address, text, reply === undefined ? '' : formatReply(reply)].join(' ').toLowerCase();
}
