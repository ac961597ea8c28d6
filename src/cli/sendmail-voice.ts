import type { Output, Surroundings } from './surroundings.ts';

/** How every line of ours begins (`cli/output`). */
const OURS = /^posthaste: /gm;

/** The output where our lines begin with another name: what the program was called by. */
export const renamed = (output: Output, name: string): Output => ({
  write: (text) => output.write(text.replace(OURS, `${name}: `)),
  writeBytes: (bytes) => output.writeBytes(bytes),
  isTerminal: () => output.isTerminal(),
  columns: () => output.columns(),
});

/** An output that keeps our own lines, and passes on everything else (what `-v` shows). */
export function withheld(output: Output): { readonly output: Output; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const keeping: Output = {
    write(text) {
      if (text.startsWith('posthaste: ')) lines.push(text);
      else output.write(text);
    },
    writeBytes: (bytes) => output.writeBytes(bytes),
    isTerminal: () => output.isTerminal(),
    columns: () => output.columns(),
  };
  return { output: keeping, lines };
}

/** The same surroundings with another standard error. */
export const speaking = (around: Surroundings, stderr: Output): Surroundings => ({ ...around, stderr });
