import { resolve } from 'node:path';
import type { ConfigCall } from './config.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { configPlaces, findPlace, namedConfig } from './layers.ts';
import { wordsOf } from './setup.ts';
import type { Surroundings } from './surroundings.ts';

/** `posthaste config path`: a line for each file that is looked for, in the order in which they are read. */
export async function showConfigPlaces({ given, around }: ConfigCall): Promise<ExitCode> {
  const named = namedConfig(given.get('config')?.at(-1), around);
  const rows =
    named === undefined
      ? configPlaces(around).map((file) => ({ file, state: stateOf(file, around) }))
      : [{ file: resolve(around.cwd(), named), state: await stateOfNamed(named, around) }];
  for (const { file, state } of rows) around.stdout.write(`${file}  ${state}\n`);
  return EXIT.ok;
}

function stateOf(file: string, around: Surroundings): string {
  try {
    return findPlace(file, around) === undefined ? 'not there' : 'read';
  } catch (error) {
    if (error instanceof CommandError) return `refused: ${error.message.replace(/^.*?: file ".*?": /, '')}`;
    throw error;
  }
}

async function stateOfNamed(file: string, around: Surroundings): Promise<string> {
  try {
    await around.readFile(file);
    return 'read';
  } catch (error) {
    return `refused: ${wordsOf(error)}`;
  }
}
