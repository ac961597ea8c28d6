import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** One import of a source file. */
export interface Import {
  /** A path from the root for a file of ours (`src/mail/reply.ts`), else the module's name as written. */
  readonly from: string;
  /** `type` vanishes when compiled; `lazy` is a call of `import()`. */
  readonly kind: 'static' | 'lazy' | 'type';
}

export interface SourceFile {
  /** From the root, with slashes: `src/mail/reply.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** The code without comments and without what is in plain strings. */
  readonly code: string;
}

// The strings come first, so that `'smtp://host'` is no comment.
const STRING_OR_COMMENT = /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|\/\*[\s\S]*?\*\/|\/\/.*$/gm;
const IMPORT = /^(?:import|export)\s+(type\s)?([^;'"]*?\bfrom\s*)?'([^']+)'|\bimport\('([^']+)'\)/gm;

const withoutComments = (text: string): string =>
  text.replace(STRING_OR_COMMENT, (_all, quoted: string | undefined) => quoted ?? '');
const withoutStrings = (text: string): string => text.replace(STRING_OR_COMMENT, "''");

function importsOf(path: string, text: string): Import[] {
  return [...withoutComments(text).matchAll(IMPORT)].map(([, type, clause, named, called]) => {
    const module = named ?? called ?? '';
    const from = module.startsWith('.') ? normalize(join(dirname(path), module)) : module;
    // `import { type A, type B }` vanishes as well.
    const names = /\{([^}]*)\}/.exec(clause ?? '')?.[1]?.split(',') ?? [];
    const onlyTypes = names.length > 0 && names.every((name) => name.trim() === '' || /^\s*type\s/.test(name));
    if (called !== undefined) return { from, kind: 'lazy' };
    return { from, kind: type !== undefined || onlyTypes ? 'type' : 'static' };
  });
}

/** All TypeScript files below a folder, in the order of their paths. */
export function readSources(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const path = join(folder, name).replaceAll('\\', '/');
      const text = readFileSync(path, 'utf8');
      return { path, text, imports: importsOf(path, text), code: withoutStrings(withoutComments(text)) };
    });
}
