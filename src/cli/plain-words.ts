import { OPTIONS, type OptionKey } from './options.ts';
import type { CommandLine } from './program.ts';

interface Row {
  readonly key: OptionKey;
  readonly takesValue: boolean;
}

/** Words that say that it is not a plain call of `send`. */
const OTHER = ['queue', 'install', 'explain', 'login', 'logout', 'config', 'doctor', 'help'];

/**
 * Reads the words of `posthaste send` where there is nothing about them to explain. Whatever is not plainly right (an
 * option that is unknown or lacks its value, `--help`, another command) is undefined, and left to `cli/program`: commander
 * takes more than a millisecond to load, which every cron job would pay. A test holds the two together.
 */
export function readPlainWords(words: readonly string[]): CommandLine | undefined {
  const [first = ''] = words;
  if (OTHER.includes(first) || words.some((word) => /[\r\n\0]/.test(word))) return undefined;
  const waiting = first === 'send' ? words.slice(1) : [...words];
  if (waiting[0] === 'help') return undefined;
  const rows = rowsByFlag();
  const given = new Map<OptionKey, string[]>();
  const operands: string[] = [];
  const give = (row: Row, value: string): void => void given.set(row.key, [...(given.get(row.key) ?? []), value]);
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    if (word === '--') {
      operands.push(...waiting);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const isLong = word.startsWith('--');
    const equals = isLong ? word.indexOf('=') : -1;
    const row = rows.get(isLong ? (equals < 0 ? word : word.slice(0, equals)) : word.slice(0, 2));
    if (row === undefined) return undefined;
    const attached = isLong ? (equals < 0 ? undefined : word.slice(equals + 1)) : word.slice(2) || undefined;
    if (row.takesValue) {
      const value = attached ?? waiting.shift();
      if (value === undefined) return undefined;
      give(row, value);
    } else {
      if (isLong && attached !== undefined) return undefined;
      give(row, '');
      // The next one of a cluster, as in -ti.
      if (attached !== undefined) waiting.unshift(`-${attached}`);
    }
  }
  return { kind: 'send', given, words: operands };
}

function rowsByFlag(): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const { key, flags } of OPTIONS) {
    const takesValue = flags.endsWith('>');
    // By strings, because regular expressions make 90 KB of garbage here, at which the collector wakes in a plain send.
    for (const flag of flags.replace(',', '').split(' ')) if (flag.startsWith('-')) rows.set(flag, { key, takesValue });
  }
  return rows;
}
