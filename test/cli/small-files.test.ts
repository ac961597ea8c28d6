import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findConfig, listFolder, readHostname, readSmallFile } from '../../src/cli/small-files.ts';
import { scratchFolder } from '../support/spool.ts';

test('the name of the host is the one that the system tells everyone', () => {
  expect(readHostname() ?? hostname()).toBe(hostname());
});

test.each([0, 1, 65_535, 65_536, 65_537, 200_000])('a file of %i octets is read whole', (octets) => {
  const file = join(scratchFolder(), 'file');
  const bytes = Buffer.from(Array.from({ length: octets }, (_, index) => index % 251));
  writeFileSync(file, bytes);
  expect(readSmallFile(file).equals(bytes)).toBe(true);
  expect(findConfig(file)).toEqual({ bytes: readFileSync(file), uid: statSync(file).uid });
});

test('a file beyond all bounds is refused', () => {
  const file = join(scratchFolder(), 'file');
  writeFileSync(file, Buffer.alloc(8_388_609));
  expect(() => readSmallFile(file)).toThrow('it is larger than 8388608 octets');
});

test('a configuration is no folder, and one that is not there is none', () => {
  const folder = scratchFolder();
  expect(() => findConfig(folder)).toThrow('it is a folder');
  expect(findConfig(join(folder, 'none'))).toBeUndefined();
});

test('a folder that is not there, or is a file, has no names in it', () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'd'));
  writeFileSync(join(folder, 'd/a'), '');
  symlinkSync('d', join(folder, 'link'));
  expect(listFolder(join(folder, 'link'))).toEqual(['a']);
  expect([listFolder(join(folder, 'none')), listFolder(join(folder, 'd/a'))]).toEqual([[], []]);
});
