type Keys = Readonly<Record<string, object>>;

/**
 * The dotted names of all keys that hold a value: `mx.port`, `route.*.tls.level`. `inner` says what is in a table, at the
 * top or in one of those that have names or places (`.*`); no other has tables in it, as `timeouts.tls` is a stage.
 */
export function keysOf(keys: Keys, inner: Keys): readonly string[] {
  return Object.entries(keys).flatMap(([key, value]) => {
    const isNamed = key.endsWith('.*');
    const within = isNamed ? value : inner[key];
    if (within === undefined) return [key];
    return keysOf({ ...within }, isNamed ? inner : {}).map((name) => `${key}.${name}`);
  });
}
