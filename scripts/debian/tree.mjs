import { createHash } from 'node:crypto';
import { chmodSync, lutimesSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/*
 * The folder that dpkg-deb makes a package of. A tree is a map from a path in the package, without the first slash, to
 * what lies there: { bytes, mode } or { link }. Modes and times are set here, so that neither the umask nor the clock
 * of the machine gets into the package.
 */

export const file = (bytes, mode = 0o644) => ({ bytes: Buffer.from(bytes), mode });

/** A link to an absolute path in the package; relative, as policy 10.5 has it, and so good in any root. */
export const link = (from, to) => [from, { link: posix.relative(posix.dirname(`/${from}`), to) }];

/** As dpkg-gencontrol counts: files in whole KiB, and one for all else. */
export function installedSize(tree) {
  const folders = new Set();
  for (const path of tree.keys()) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  const sizes = [...tree.values()].map(({ bytes }) => (bytes === undefined ? 1 : Math.ceil(bytes.length / 1024)));
  return folders.size + 1 + sizes.reduce((sum, size) => sum + size, 0);
}

export const md5sums = (tree) =>
  [...tree]
    .filter(([, { bytes }]) => bytes !== undefined)
    .map(([path, { bytes }]) => `${createHash('md5').update(bytes).digest('hex')}  ${path}\n`)
    .sort((a, b) => (a.slice(34) < b.slice(34) ? -1 : 1))
    .join('');

/** Writes the tree into an empty folder, all of it of that time (seconds since 1970). */
export function writeTree(folder, tree, seconds) {
  for (const [path, { bytes, mode, link: target }] of tree) {
    const full = join(folder, path);
    mkdirSync(dirname(full), { recursive: true });
    if (target !== undefined) symlinkSync(target, full);
    else {
      writeFileSync(full, bytes);
      chmodSync(full, mode);
    }
  }
  settle(folder, seconds);
}

function settle(folder, seconds) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = join(folder, entry.name);
    if (entry.isDirectory()) settle(full, seconds);
    else lutimesSync(full, seconds, seconds);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, seconds, seconds);
}
