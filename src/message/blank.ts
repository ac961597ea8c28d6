import type { Source } from './source.ts';

const BLANKS: readonly number[] = [0x09, 0x0a, 0x0d, 0x20];

/** Whether nothing is there but blanks and line ends; reads up to the first octet that is something else. */
export async function isBlank(source: Source): Promise<boolean> {
  for await (const chunk of source.chunks()) if (chunk.some((octet) => !BLANKS.includes(octet))) return false;
  return true;
}
