// Compiles src/message/lines.wat into src/message/lines-wasm.ts, which is checked in so that neither the build nor a
// user needs a WebAssembly compiler. `node scripts/wat.mjs --check` writes nothing and fails where the two differ.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('../src/message/lines.wat', import.meta.url);
const target = new URL('../src/message/lines-wasm.ts', import.meta.url);

const { parseWat } = await wabt();
const module = parseWat('lines.wat', readFileSync(source, 'utf8'), { simd: true });
module.validate();
const bytes = Buffer.from(module.toBinary({}).buffer);
module.destroy();

const text = `/** lines.wat, compiled by scripts/wat.mjs: ${bytes.length} octets in base64. */
export const LINES_WASM =
  '${bytes.toString('base64')}';
`;

if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('Cannot use lines-wasm.ts: it is not what lines.wat compiles to\n');
  process.exitCode = 1;
}
