import { randomInt } from 'node:crypto';

/*
 * The id of an entry: 9 digits of milliseconds since 1970, to base 36, so that ids sort by the time of queueing (until the
 * year 5188), and 6 digits of chance. It is a file's name too, so nothing else than these digits is ever taken for one.
 */
const ID = /^[0-9a-z]{15}$/;
const TIME_DIGITS = 9;
const CHANCE_DIGITS = 6;

/** Whether the text has the form of an entry's id; such a text is safe in a path. */
export const isQueueId = (text: string): boolean => ID.test(text);

/** A new id; `random` gives 0 <= x < 1. */
export function newQueueId(now: number, random: () => number = unguessable): string {
  const time = Math.min(Math.max(0, Math.floor(now)), 36 ** TIME_DIGITS - 1);
  return time.toString(36).padStart(TIME_DIGITS, '0') + chance(CHANCE_DIGITS, random);
}

/** When the entry with this id was queued, in milliseconds since 1970. */
export const timeOfId = (id: string): number => Number.parseInt(id.slice(0, TIME_DIGITS), 36);

/** So many digits to base 36, at most 9. */
export const chance = (digits: number, random: () => number = unguessable): string =>
  Math.floor(random() * 36 ** digits)
    .toString(36)
    .padStart(digits, '0');

// 48 bits is all that randomInt has.
const RANGE = 2 ** 48 - 1;
const unguessable = (): number => randomInt(RANGE) / RANGE;
