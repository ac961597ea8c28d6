import { quoted } from '../mail/printable.ts';
import { nearestKey } from './nearest.ts';
import { withoutUser } from './relay.ts';
import type { Fault } from './schema.ts';

/** The paths of all keys that are not known; `known` are dotted names, with `*` for the names and places of tables. */
export function unknownKeys(content: unknown, known: readonly string[]): readonly (readonly string[])[] {
  const names = new Set(known);
  const walk = (table: unknown, path: readonly string[]): readonly (readonly string[])[] =>
    Object.entries(isTable(table) || isRoutes(table, path) ? table : {}).flatMap(([key, value]) => {
      const here = [...path, key];
      const name = general(here);
      if (names.has(name)) return [];
      return known.some((each) => each.startsWith(`${name}.`)) ? walk(value, here) : [here];
    });
  return walk(content, []);
}

/** Tables with names or places: whatever they are called, their keys are the same. */
const isOneOfMany = ([table, name]: readonly string[]): boolean =>
  name !== undefined && (table === 'account' || table === 'route');

/** `account.work.url` and `route.0.via` as they are known: `account.*.url`. */
export function general(path: readonly string[]): string {
  if (!isOneOfMany(path)) return dotted(path);
  const [table = '', , ...rest] = path;
  return [`${table}.*`, ...rest.map((key) => dotted([key]))].join('.');
}

export const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const isRoutes = (value: unknown, path: readonly string[]): value is readonly unknown[] =>
  path.length === 1 && path[0] === 'route' && Array.isArray(value);

export function sayUnknown(path: readonly string[], known: readonly string[]): string {
  const near = nearestKey(general(path), [...known, ...tablesOf(known)]);
  const table = known.filter((each) => each.startsWith(`${general(path.slice(0, -1))}.`));
  const keys = table.length > 0 ? table : [...new Set(known.map((each) => each.split('.')[0] ?? ''))];
  const mine = (key: string): string =>
    key.includes('*') ? key.replace(/^route\.\*/, 'route').replace('*', path[1] ?? 'NAME') : key;
  const likely = near === undefined ? `known are ${keys.map(mine).join(', ')}` : `did you mean "${mine(near)}"?`;
  return `unknown key ${quoted(shown(path))}, ${likely}`;
}

/** `account` of `account.*.url`. */
const tablesOf = (known: readonly string[]): ReadonlySet<string> =>
  new Set(known.flatMap((each) => (each.includes('.') ? (each.split('.')[0] ?? []) : [])));

export const sayWrong = ({ path, allowed, found }: Fault): string =>
  `${quoted(shown(path))} must be ${allowed}${found === undefined ? '' : `, not ${show(found)}`}`;

/** Of a path that starts with `~/`. */
export const sayLost = ({ path }: Pick<Fault, 'path'>): string =>
  `${quoted(shown(path))} must be a path without "~/": you have no home folder`;

/** A route has no name, and the line says which one it is. */
const shown = (path: readonly string[]): string =>
  dotted(path[0] === 'route' && isOneOfMany(path) ? ['route', ...path.slice(2)] : path);

/** A key that has a dot in it is quoted, and so is never taken for two. */
export const dotted = (path: readonly string[]): string =>
  path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))).join('.');

function show(value: unknown): string {
  if (typeof value === 'string') return quoted(value.includes('://') ? withoutUser(value) : value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a table' : String(value);
}
