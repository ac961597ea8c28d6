const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const;

/** A length of time in milliseconds as people say it, rounded down: `5 days`, `1 hour`, `0 seconds`. */
export function span(milliseconds: number): string {
  const [unit, word] = UNITS.find(([size]) => milliseconds >= size) ?? [1000, 'second'];
  const count = Math.max(0, Math.floor(milliseconds / unit));
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
