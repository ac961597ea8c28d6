type Keys = Readonly<Record<string, object>>;

/**
 * The dotted names of all keys that hold a value: `mx.port`, `route.*.tls.level`. `inner` says what is in a table, at the
 * top or in another one; a name with `.*` is of tables that have names or places.
 */
export function keysOf(keys: Keys, inner: Keys): readonly string[] {
  return Object.entries(keys).flatMap(([key, value]) => {
    const within = key.endsWith('.*') ? value : inner[key];
    if (within === undefined) return [key];
    return keysOf({ ...within }, inner).map((name) => `${key}.${name}`);
  });
}
