import { mergeSaid, type Sourced } from '../config/said.ts';
import { escapeControls } from '../mail/printable.ts';
import type { Layer } from './layers.ts';

/** Where in the configuration's files something stands. */
export interface FilePlace {
  readonly file: string;
  readonly line: number;
}

/** What the files say together, each value with its place. */
export const saidInFiles = (layers: readonly Layer[]): readonly Sourced<FilePlace>[] => mergeSaid(layers.map(saidIn));

export const saidIn = ({ file, said }: Layer): readonly Sourced<FilePlace>[] =>
  said().map(({ path, value, line }) => ({ path, value, from: { file, line } }));

/** `FILE:LINE` of a key, else of the first that stands in its table; undefined where no file has any. */
export function placeOf(layers: readonly Layer[], path: readonly string[]): string | undefined {
  const all = saidInFiles(layers);
  const isIn = (table: readonly string[]) => (said: Sourced<FilePlace>) =>
    table.every((key, at) => said.path[at] === key);
  const found = all.find(isIn(path)) ?? (path[0] === 'route' ? all.find(isIn(path.slice(0, 2))) : undefined);
  return found === undefined ? undefined : `${escapeControls(found.from.file)}:${found.from.line}`;
}
