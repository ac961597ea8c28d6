/**
 * The line that a person watches on a terminal while a message uploads or a retry is waited for. It is drawn over itself
 * at most ten times a second, only after a second, and wiped before anything else is written.
 */
export interface Progress {
  /** More octets of the message have been read for sending. */
  sent(octets: number, total: number): void;
  /** A pause of so many milliseconds before recipients are tried again. */
  waiting(milliseconds: number, recipients: number): void;
  /** Takes the line away. */
  wipe(): void;
}

export interface ProgressOptions {
  write(text: string): void;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
  /** Columns of the terminal. */
  readonly columns: number;
}

/** An upload shorter than this needs no line, in milliseconds. */
const PATIENCE = 1000;
/** Between two drawings, in milliseconds. */
const PERIOD = 100;

export function createProgress({ write, monotonic, columns }: ProgressOptions): Progress {
  let began: number | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  let shown = false;

  const draw = (text: string): void => {
    // "Erase to the end of the line" behind the text, so that nothing of a longer one stays.
    write(`\r${text.slice(0, Math.max(columns - 1, 10))}\x1b[K`);
    shown = true;
  };

  return {
    sent(octets, total) {
      const now = monotonic();
      began ??= now;
      if (now - began < PATIENCE || now - drawn < PERIOD) return;
      drawn = now;
      const rate = (octets / (now - began)) * 1000;
      draw(`sending ${percent(octets, total)} of ${formatOctets(total)}, ${formatOctets(rate)}/s`);
    },
    waiting(milliseconds, recipients) {
      began = undefined;
      if (milliseconds < PATIENCE) return;
      const who = recipients === 1 ? 'one recipient' : `${recipients} recipients`;
      draw(`deferred: trying ${who} again in ${formatWait(milliseconds)}`);
    },
    wipe() {
      began = undefined;
      if (shown) write('\r\x1b[K');
      shown = false;
    },
  };
}

const percent = (part: number, total: number): string =>
  `${total <= 0 ? 100 : Math.min(100, Math.floor((part / total) * 100))}%`;

/** Octets for a person: `999 B`, `1.2 kB`, `34 MB`. */
export function formatOctets(octets: number): string {
  if (octets < 1000) return `${Math.round(octets)} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
  ] as const) {
    if (octets < size * 999.5) return `${(octets / size).toFixed(octets < size * 9.95 ? 1 : 0)} ${unit}`;
  }
  return `${(octets / 1e9).toFixed(1)} GB`;
}

const formatWait = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
};
