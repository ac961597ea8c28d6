import { EMPTY_GUARD, type GuardState } from '../bounce/guard.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { isRecord } from '../mail/json.ts';
import { openSharedFile, type SharedFileOptions } from './shared-file.ts';

/*
 * What the storm guard remembers, in `storms.json` of the spool's folder. It is on disk before a bounce that is only
 * counted is dropped. Who can't have the file's lock, or can't use what is in it, guards nothing and sends: ten bounces
 * too many are better than one too few.
 */
export interface StormFile {
  /**
   * Changes the state, on disk when it resolves; undefined where somebody else was at it for too long. `origin` is kept
   * for the digest that may come later.
   */
  change<T>(
    origin: Pick<QueueEntry, 'way' | 'uid'>,
    turn: (state: GuardState) => { readonly state: GuardState; readonly given: T },
  ): Promise<T | undefined>;
  /** Changes the state by what was done about it, where there is any; gives the state that is left. */
  settle(
    turn: (state: GuardState, origin: Pick<QueueEntry, 'way' | 'uid'>) => Promise<GuardState>,
  ): Promise<GuardState | undefined>;
}

export type StormFileOptions = Omit<SharedFileOptions, 'name' | 'purpose'>;

interface Content {
  readonly guard: GuardState;
  readonly way: QueueEntry['way'];
  readonly uid: number;
}

export function openStormFile(options: StormFileOptions): StormFile {
  const file = openSharedFile({ ...options, name: 'storms', purpose: 'count bounces' });
  const read = (): Content | undefined => {
    const content = file.read();
    return isContent(content) ? content : undefined;
  };

  return {
    change: ({ way, uid }, turn) =>
      file.locked(async () => {
        const before = read()?.guard ?? EMPTY_GUARD;
        const { state, given } = turn(before);
        if (state !== before) await file.write({ guard: state, way, uid });
        return given;
      }),
    async settle(turn) {
      if (!file.isThere()) return undefined;
      return file.locked(async () => {
        const content = read();
        if (content === undefined) return EMPTY_GUARD;
        const guard = await turn(content.guard, content);
        if (JSON.stringify(guard) !== JSON.stringify(content.guard)) await file.write({ ...content, guard });
        return guard;
      });
    },
  };
}

function isContent(value: unknown): value is Content {
  if (!isRecord(value) || !isRecord(value.way) || typeof value.uid !== 'number' || !isRecord(value.guard)) return false;
  const { version, storms } = value.guard;
  return (
    version === 1 &&
    isRecord(storms) &&
    Object.values(storms).every((storm) => isRecord(storm) && Array.isArray(storm.times))
  );
}
