/** Milliseconds. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Long enough for any wait; beyond it is a slip of the keyboard. */
const MAX = 366 * 86_400_000;

/**
 * Reads a duration such as `90s`, `5m`, `1h30m` or `250ms` as milliseconds: whole numbers with units, the larger unit
 * first, each at most once. Undefined where the text is none, or more than a year.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/.exec(text);
  if (match === null || text === '') return undefined;
  const total = ['d', 'h', 'm', 's', 'ms'].reduce(
    (sum, unit, at) => sum + Number(match[at + 1] ?? 0) * (UNITS[unit] ?? 0),
    0,
  );
  return total <= MAX ? total : undefined;
}

/** The shortest text that `parseDuration` reads as so many milliseconds: `90s` is `1m30s`; nothing at all is `0s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds));
  const units = Object.entries(UNITS).sort(([, one], [, other]) => other - one);
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.join('') || '0s';
}
