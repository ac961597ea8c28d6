import type { LocalWorld } from '../../src/delivery/local.ts';
import { type LocalDisk, systemLocalDisk } from '../../src/delivery/local-disk.ts';

/** 2026-11-02T10:00:00.123Z, a Monday. */
export const MONDAY = Date.UTC(2026, 10, 2, 10, 0, 0, 123);

/** A disk whose machine and process are named, where some operations are other ones. */
export const localDisk = (other: Partial<LocalDisk> = {}): LocalDisk => ({
  ...systemLocalDisk,
  hostname: 'here',
  pid: 42,
  ...other,
});

export interface FakeWorld extends LocalWorld {
  /** How often something was waited for. */
  readonly waits: () => number;
}

/** A world where waiting takes no time, but the clock goes on by as much. */
export function localWorld(other: Partial<LocalDisk> = {}, now = MONDAY): FakeWorld {
  let time = now;
  let waits = 0;
  let chance = 0;
  return {
    disk: localDisk(other),
    now: () => time,
    random() {
      chance += 1;
      return (chance % 997) / 997;
    },
    async sleep(milliseconds) {
      time += milliseconds;
      waits += 1;
      await new Promise((resolve) => setImmediate(resolve));
    },
    waits: () => waits,
  };
}

/** An error as the system makes them. */
export const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: made by the test`), { code, syscall: 'test' });
