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
  const elsewhere = known.find((each) => each === last || each.endsWith(`.${last}`));
  // What is said more exactly, as "password" is in "password_file".
  return elsewhere ?? known.find((each) => each.startsWith(`${spelled}_`));
}

/** How many letters to add, drop, change, or swap with the next one. */
function distance(one: string, other: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}
