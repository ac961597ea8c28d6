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
    const row = rowOf(isLong ? (equals < 0 ? word : word.slice(0, equals)) : word.slice(0, 2));
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
  // A command behind options, which `cli/program` says something about.
  if (first !== 'send' && operands.some((word) => OTHER.includes(word))) return undefined;
  return { kind: 'send', given, words: operands };
}

/** The option that a flag belongs to: `-f` and `--from` to `-f, --from <address>`. No table is made of so few words. */
function rowOf(flag: string): Row | undefined {
  const second = ` ${flag}`;
  const row = OPTIONS.find(({ flags }) => {
    const at = flags.startsWith(flag) ? 0 : flags.indexOf(second) + 1;
    const end = flags[at + flag.length];
    return (at > 0 || flags.startsWith(flag)) && (end === undefined || end === ' ' || end === ',');
  });
  return row === undefined ? undefined : { key: row.key, takesValue: row.flags.endsWith('>') };
}
