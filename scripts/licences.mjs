import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** The name of the package a module belongs to, without its scope, or undefined for a module of our own. */
export const packageName = (id) => packageFolder(id)?.split('/').at(-1);

/** The folder of the package a module belongs to, or undefined for a module of our own. */
const packageFolder = (id) => PACKAGE.exec(id.replaceAll('\\', '/').replace(/^\0/, ''))?.[0];

function licenceText(folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file === undefined ? undefined : readFileSync(join(folder, file), 'utf8').trim();
}

function entry(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const title = `${manifest.name} ${manifest.version} (${manifest.license})`;
  const text = licenceText(folder);
  if (text === undefined && manifest.license === undefined)
    throw new Error(`Cannot bundle ${folder}: it has no licence`);
  const author = typeof manifest.author === 'string' ? manifest.author : manifest.author?.name;
  return { title, text: text ?? `Licensed under ${manifest.license}${author ? `, by ${author}` : ''}.` };
}

/** The licences of all packages that the modules come from, as one text. */
export function licences(moduleIds) {
  const folders = new Set(moduleIds.map(packageFolder).filter((folder) => folder !== undefined));
  const entries = [...folders].map(entry).sort((a, b) => (a.title < b.title ? -1 : 1));
  const rule = '-'.repeat(80);
  return [
    'posthaste contains these libraries, whole or in part, under these licences.\n',
    ...entries.map(({ title, text }) => `${rule}\n${title}\n\n${text}\n`),
  ].join('\n');
}
