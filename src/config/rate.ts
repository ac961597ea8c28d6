/** So many messages in so much time, at most. */
export interface Rate {
  readonly count: number;
  /** Milliseconds. */
  readonly per: number;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, sec: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST = 1_000_000;

/** Reads `30/min`, `1/s`, `500/h` or `2000/d`; `undefined` where it is none of these. */
export function parseRate(text: string): Rate | undefined {
  const [, digits = '', unit = ''] = /^\s*(\d{1,7})\s*\/\s*(s|sec|min|h|d)\s*$/.exec(text) ?? [];
  const count = Number(digits);
  const per = UNITS[unit];
  return per === undefined || count < 1 || count > MOST ? undefined : { count, per };
}
