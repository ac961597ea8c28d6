/**
 * Makes everything that is run from the sources:
 *
 *   dist/posthaste.cjs    the program, with the libraries it always needs
 *   dist/chunks/*.cjs     what it loads only when used (mailparser, TOML, …)
 *   dist/start.cjs        what the launcher starts: loads the program through V8's code cache
 *   dist/THIRD-PARTY.txt  the licences of the libraries that are inside
 *   build/*.mjs           the demo and the bench, which are not packed
 *
 * CommonJS, because Node starts it 6 ms faster than ESM; not minified, because that gained nothing and stack traces
 * are read by people. Dynamic imports become `require`, because the first real `import()` loads Node's ESM loader.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licences, packageName } from './licences.mjs';
import { asciiOnly, inFunction, lazyBuiltins } from './output.mjs';
import { train } from './train.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => join(root, ...parts);
const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));

async function bundle({ input, plugins = [] }, output) {
  const build = await rolldown({
    plugins,
    cwd: root,
    input,
    platform: 'node',
    tsconfig: false,
    transform: { target: 'node20', define: { __VERSION__: JSON.stringify(version) } },
    checks: { pluginTimings: false },
  });
  const { output: chunks } = await build.write({ comments: false, ...output });
  await build.close();
  return chunks;
}

/** commander starts programs for subcommands of their own, which we have none of; loading what it needs takes 1.5 ms. */
const commanderAlone = {
  name: 'commander-alone',
  transform(code, id) {
    if (!id.endsWith('/commander/lib/command.js')) return null;
    const without = code.replace("= require('node:child_process');", '= {};');
    if (without === code) throw new Error(`Cannot take child_process from ${id}: it is not required there`);
    return { code: without };
  },
};

/** V8 compares only the length of a source with its cache, so the cache's name carries a digest of the program. */
function prepareStart(chunks) {
  const digest = createHash('sha256');
  for (const { fileName, code } of chunks) {
    const prepared = inFunction(asciiOnly(lazyBuiltins(code)));
    writeFileSync(inRoot('dist', fileName), prepared);
    digest.update(`${fileName}\0${prepared}\0`);
  }
  const start = readFileSync(inRoot('scripts/start.cjs'), 'utf8');
  writeFileSync(inRoot('dist/start.cjs'), start.replace('__BUILD__', digest.digest('hex').slice(0, 12)));
}

async function buildProgram() {
  rmSync(inRoot('dist'), { recursive: true, force: true });
  const chunks = await bundle(
    { input: { posthaste: 'src/main.ts' }, plugins: [commanderAlone] },
    {
      dir: 'dist',
      format: 'cjs',
      exports: 'named',
      dynamicImportInCjs: false,
      entryFileNames: '[name].cjs',
      chunkFileNames: ({ facadeModuleId }) => `chunks/${packageName(facadeModuleId ?? '') ?? '[name]'}.cjs`,
    },
  );
  prepareStart(chunks);
  writeFileSync(inRoot('dist/THIRD-PARTY.txt'), licences(chunks.flatMap((chunk) => chunk.moduleIds)));
}

async function buildTool(name, source) {
  if (!existsSync(inRoot(source))) return;
  await bundle(
    { input: { [name]: source } },
    { dir: 'build', format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
  );
}

await buildProgram();
rmSync(inRoot('build'), { recursive: true, force: true });
await buildTool('demo', 'test/demo/demo.ts');
await buildTool('bench', 'test/bench/bench.ts');
await train(inRoot('bin/posthaste'));
