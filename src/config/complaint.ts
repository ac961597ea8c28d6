import { quoted } from '../mail/printable.ts';
import { nearestKey } from './nearest.ts';
import type { Fault } from './schema.ts';

/** The paths of all keys that are not known; `known` are dotted names. */
export function unknownKeys(content: unknown, known: readonly string[]): readonly (readonly string[])[] {
  const names = new Set(known);
  const walk = (table: unknown, path: readonly string[]): readonly (readonly string[])[] =>
    Object.entries(isTable(table) ? table : {}).flatMap(([key, value]) => {
      const here = [...path, key];
      const name = dotted(here);
      if (names.has(name)) return [];
      return known.some((each) => each.startsWith(`${name}.`)) ? walk(value, here) : [here];
    });
  return walk(content, []);
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

export function sayUnknown(path: readonly string[], known: readonly string[]): string {
  const name = dotted(path);
  const near = nearestKey(name, known);
  const table = known.filter((each) => each.startsWith(`${dotted(path.slice(0, -1))}.`));
  const keys = table.length > 0 ? table : [...new Set(known.map((each) => each.split('.')[0]))];
  return `unknown key ${quoted(name)}, ${near === undefined ? `known are ${keys.join(', ')}` : `did you mean "${near}"?`}`;
}

export const sayWrong = ({ path, allowed, found }: Fault): string =>
  `${quoted(dotted(path))} must be ${allowed}${found === undefined ? '' : `, not ${show(found)}`}`;

/** A key that has a dot in it is quoted, and so is never taken for two. */
const dotted = (path: readonly string[]): string =>
  path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))).join('.');

function show(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a table' : String(value);
}
