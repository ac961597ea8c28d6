import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Ran, run } from '../support/run.ts';

/** A root with a dpkg database of its own, for installing packages without touching the machine's. */
export function makeRoot(folder: string): string {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const path of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/log']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const name of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', name), '');
  return root;
}

/** dpkg in that root; the packages' scripts are the machine's programs with DPKG_ROOT, as there is nothing to chroot to. */
export function dpkg(root: string, ...words: readonly string[]): Promise<Ran> {
  const forced = ['--force-not-root', '--force-script-chrootless', `--log=${join(root, 'var/log/dpkg.log')}`];
  const all = [`--root=${root}`, ...forced, ...words];
  return process.getuid?.() === 0 ? run('dpkg', all) : run('fakeroot', ['dpkg', ...all]);
}

/** Runs a program that must succeed, and gives what it printed. */
export async function did(program: string, words: readonly string[]): Promise<string> {
  const ran = await run(program, words);
  expect(ran, `${program} ${words.join(' ')}`).toMatchObject({ status: 0 });
  return ran.stdout;
}

/** A package of nothing but what the others see of it; gives its path. */
export async function makeStub(folder: string, fields: readonly string[]): Promise<string> {
  const tree = mkdtempSync(join(folder, 'stub-'));
  mkdirSync(join(tree, 'DEBIAN'));
  chmodSync(tree, 0o755);
  const lines = [...fields, 'Architecture: all', 'Maintainer: Ann <ann@example.org>', 'Description: a stub', ''];
  writeFileSync(join(tree, 'DEBIAN/control'), lines.join('\n'));
  await did('dpkg-deb', ['--root-owner-group', '--build', tree, `${tree}.deb`]);
  return `${tree}.deb`;
}

/** Every file and link below a folder, from its root on. */
export function filesOf(folder: string, path = '/'): readonly string[] {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const name = join(path, entry.name);
    return entry.isDirectory() ? filesOf(folder, name) : [name];
  });
}
