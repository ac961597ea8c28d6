/** Longer ones are no slip of the keyboard, and the distance takes the product of the lengths. */
const LONGEST = 64;

/** The known key that was likely meant; undefined where none is near. A key in the wrong table counts as near. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const spelled = key.toLowerCase().replaceAll('-', '_');
  if (spelled.length > LONGEST) return undefined;
  const last = spelled.slice(spelled.lastIndexOf('.') + 1);
  const ranked = known
    .map((each) => ({ each, distance: distance(spelled, each) }))
    .sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  // Two slips, and one more for each four letters.
  if (best !== undefined && best.distance <= Math.min(2 + Math.floor(last.length / 4), Math.ceil(last.length / 2)))
    return best.each;
  return known.find((each) => each === last || each.endsWith(`.${last}`));
}

/** How many letters to add, drop or change (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
