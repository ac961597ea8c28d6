import { general, isTable } from './complaint.ts';

/*
 * What files say, value by value, as it stands in them: for people who ask what holds and why. `listSaid` takes one file
 * apart, `mergeSaid` puts several over each other as `applyOverrides` does with what they mean.
 */

/** A value as it stands in a file. A route's path is `route.0.via`, by its place in the file. */
export interface Said {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly line: number;
}

/** Each value of a file that is right; `known` are dotted names, with `*` for the names and places of tables. */
export function listSaid(
  content: unknown,
  known: readonly string[],
  lineOf: (path: readonly string[]) => number,
): readonly Said[] {
  const names = new Set(known);
  const walk = (value: unknown, path: readonly string[]): readonly Said[] => {
    const isValue = names.has(general(path)) && !isTable(value);
    if (isValue || !(isTable(value) || Array.isArray(value))) return [{ path, value, line: lineOf(path) }];
    return Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]));
  };
  return walk(content, []);
}

/** A value with where it comes from. */
export interface Sourced<F> {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly from: F;
}

/** The later over the earlier; routes of a later layer stand before those of an earlier one. */
export function mergeSaid<F>(layers: readonly (readonly Sourced<F>[])[]): readonly Sourced<F>[] {
  const values = new Map<string, Sourced<F>>();
  let routes: readonly (readonly Sourced<F>[])[] = [];
  for (const layer of layers) {
    const fresh = new Map<string, Sourced<F>[]>();
    for (const said of layer) for (const path of replacedBy(said)) values.delete(nameOf(path));
    for (const said of layer) {
      if (said.path[0] === 'route') {
        const place = said.path[1] ?? '';
        fresh.set(place, [...(fresh.get(place) ?? []), said]);
      } else if (!isNothing(said)) values.set(nameOf(said.path), said);
    }
    routes = [...fresh.values(), ...routes];
  }
  const placed = routes.flatMap((route, index) =>
    route.map((said) => ({ ...said, path: ['route', String(index), ...said.path.slice(2)] })),
  );
  return [...values.values(), ...placed];
}

const nameOf = (path: readonly string[]): string => JSON.stringify(path);

const PLACES = ['password_file', 'password_command'];
const LOGIN = ['auth', 'open_password_file', ...PLACES];

/** What goes when this is said: the login of another relay, the key of another certificate, another password's place. */
function replacedBy({ path }: { readonly path: readonly string[] }): readonly (readonly string[])[] {
  const last = path.at(-1);
  const beside = (key: string): readonly string[] => [...path.slice(0, -1), key];
  if (path[0] === 'route') return [];
  if (path.length === 1 && last === 'relay') return [...LOGIN, 'default_account'].map(beside);
  if (path.length === 1 && last === 'default_account') return [...LOGIN, 'relay'].map(beside);
  if (last === 'cert') return [beside('key')];
  return last !== undefined && PLACES.includes(last) ? PLACES.map(beside) : [];
}

/** An empty list of pins leaves those that are there. */
const isNothing = ({ path, value }: { readonly path: readonly string[]; readonly value: unknown }): boolean =>
  path.at(-1) === 'fingerprints' && Array.isArray(value) && value.length === 0;
