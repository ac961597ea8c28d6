import type { Lane, Traffic } from './run-traffic.ts';

/**
 * Entries whose turn has come, by the destination of their first due recipient; ids alone, so that a hundred thousand
 * are some megabytes. Destinations take turns, and each one's entries keep their order.
 */
export interface Agenda {
  /** Without a lane it can't go anywhere, and waits for nobody. */
  add(id: string, lane: Lane | undefined): void;
  /** An entry whose delivery could begin now, or soon enough to be read meanwhile. */
  pick(now: number): Picked | undefined;
  /** The entry's turn is over. */
  done(picked: Picked): void;
  readonly size: number;
}

export interface Picked {
  readonly id: string;
  readonly lane: Lane | undefined;
}

interface Row {
  readonly lane: Lane | undefined;
  readonly ids: string[];
  /** How many of `ids` were picked already. */
  at: number;
  active: number;
  /** How many more it may have before others are asked. */
  turn: number;
}

// Where there are more destinations than sessions, one that was opened serves so many before another needs its place.
const TURN = 20;
/** Entries under way for one session: while some are delivered, others are read, written, or wait for the disk. */
export const STAGES = 4;

export function openAgenda(traffic: Traffic, sessions: number): Agenda {
  /** The row whose turn comes last is at the end. */
  const rows = new Map<string, Row>();
  let size = 0;

  /** Where all are deferred nobody waits. */
  function room({ lane, active }: Row, now: number): boolean {
    if (lane === undefined || traffic.down(lane, now) !== undefined) return active < sessions;
    const width = traffic.width(lane);
    // Of those that wait for their rate, more would only stand in others' way.
    return active < (width === 1 || lane.rate !== undefined ? width : STAGES * width);
  }

  return {
    add(id, lane) {
      const row = rows.get(nameOf(lane)) ?? { lane, ids: [], at: 0, active: 0, turn: TURN };
      rows.set(nameOf(lane), row);
      row.ids.push(id);
      size += 1;
    },
    pick(now) {
      for (const [name, row] of rows) {
        const id = row.ids[row.at];
        if (id === undefined || !room(row, now)) continue;
        row.at += 1;
        row.active += 1;
        size -= 1;
        row.turn -= 1;
        if (row.turn === 0) {
          row.turn = TURN;
          rows.delete(name);
          rows.set(name, row);
        }
        return { id, lane: row.lane };
      }
      return undefined;
    },
    done({ lane }) {
      const row = rows.get(nameOf(lane));
      if (row === undefined) return;
      row.active -= 1;
      if (row.active === 0 && row.at === row.ids.length) rows.delete(nameOf(lane));
    },
    get size() {
      return size;
    },
  };
}

const nameOf = (lane: Lane | undefined): string => lane?.name ?? '';
