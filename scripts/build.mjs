/**
 * Makes everything that is run from the sources:
 *
 *   dist/posthaste.cjs    the program, with the libraries it always needs
 *   dist/chunks/*.cjs     what it loads only when used (mailparser, TOML, …)
 *   dist/start.cjs        what the launcher starts: loads the program through V8's code cache
 *   dist/THIRD-PARTY.txt  the licences of the libraries that are inside
 *   dist/posthaste.schema.json   the configuration file's schema, for editors
 *   build/*.mjs           the demo and the bench, which are not packed
 *
 * CommonJS, because Node starts it 6 ms faster than ESM; not minified, because that gained nothing and stack traces
 * are read by people. Dynamic imports become `require`, because the first real `import()` loads Node's ESM loader.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licences, packageName } from './licences.mjs';
import { asciiOnly, inFunction, lateExports, lazyBuiltins } from './output.mjs';
import { train } from './train.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => join(root, ...parts);
const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));

/** A digest of all that decides what a configuration file means: what was remembered by another build is forgotten. */
function configReader() {
  const files = ['src/config', 'src/mail', 'src/net'].flatMap((folder) =>
    readdirSync(inRoot(folder), { recursive: true })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => inRoot(folder, name)),
  );
  const hash = createHash('sha256');
  for (const file of [...files, inRoot('package-lock.json')]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** The files in memory, so that nothing is lost where this fails. */
async function bundle({ input, plugins = [] }, output) {
  const build = await rolldown({
    plugins,
    cwd: root,
    input,
    platform: 'node',
    tsconfig: false,
    transform: {
      target: 'node20',
      define: { __VERSION__: JSON.stringify(version), __CONFIG_READER__: JSON.stringify(configReader()) },
    },
    checks: { pluginTimings: false },
  });
  const { output: chunks } = await build.generate({ comments: false, ...output });
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

/** Replaces a folder by these files. */
function writeFolder(folder, files) {
  rmSync(inRoot(folder), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(inRoot(folder, name)), { recursive: true });
    writeFileSync(inRoot(folder, name), text);
  }
}

/** V8 compares only the length of a source with its cache, so the cache's name carries a digest of the program. */
function startOf(files) {
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12);
  return readFileSync(inRoot('scripts/start.cjs'), 'utf8').replace('__BUILD__', digest);
}

async function buildProgram() {
  const chunks = await bundle(
    { input: { posthaste: 'src/main.ts' }, plugins: [commanderAlone] },
    {
      format: 'cjs',
      exports: 'named',
      dynamicImportInCjs: false,
      // All that every run needs in one file; shared with the chunks, but not cut out for them.
      codeSplitting: { groups: [{ name: 'program', tags: ['$initial'] }] },
      entryFileNames: '[name].cjs',
      chunkFileNames: ({ facadeModuleId }) => `chunks/${packageName(facadeModuleId ?? '') ?? '[name]'}.cjs`,
    },
  );
  const files = Object.fromEntries(
    chunks.map(({ fileName, code }) => [fileName, inFunction(asciiOnly(lateExports(lazyBuiltins(code))))]),
  );
  const thirdParty = licences(chunks.flatMap((chunk) => chunk.moduleIds));
  writeFolder('dist', { ...files, 'start.cjs': startOf(files), 'THIRD-PARTY.txt': thirdParty });
}

/** A tool is one file, and so its own child processes find it. */
async function bundleTool([name, source]) {
  const output = { format: 'esm', entryFileNames: `${name}.mjs`, codeSplitting: false };
  const chunks = await bundle({ input: { [name]: source } }, output);
  return chunks.map(({ fileName, code }) => [fileName, code]);
}

async function buildTools() {
  const tools = [
    ['demo', 'test/demo/demo.ts'],
    ['bench', 'test/bench/bench.ts'],
  ].filter(([, source]) => existsSync(inRoot(source)));
  writeFolder('build', Object.fromEntries((await Promise.all(tools.map(bundleTool))).flat()));
}

await buildProgram();
await buildTools();
writeFileSync(
  inRoot('dist/posthaste.schema.json'),
  execFileSync(process.execPath, [inRoot('dist/start.cjs'), 'posthaste', 'config', 'schema']),
);
await train(inRoot('bin/posthaste'));
