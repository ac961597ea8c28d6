import { readFileSync } from 'node:fs';

const README = readFileSync('README.md', 'utf8');

/** The first block of code behind a text of the README, without its fences. */
export function blockAfter(text: string): string {
  const start = README.indexOf(text);
  const block = start < 0 ? null : /^```.*\n([\s\S]*?)^```$/m.exec(README.slice(start));
  if (block?.[1] === undefined) throw new Error(`Cannot find a block of code behind ${JSON.stringify(text)}`);
  return block[1];
}

/** What stands in the README replaced by what is there in a test. Throws where it does not stand there. */
export function replaced(block: string, pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`Cannot find ${JSON.stringify(from)} in:\n${text}`);
    return text.replaceAll(from, to);
  }, block);
}
