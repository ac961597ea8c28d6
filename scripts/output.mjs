/**
 * What the build does to a file after it is bundled, because Node's start is most of what a small message costs:
 *
 *   lazyBuiltins   Node's own modules are loaded at their first use: node:crypto alone takes 3 ms
 *   lateExports    what is exported is one object, made when it is asked for: most messages need none of the chunks that
 *                  ask, and it would be 30 KB of garbage more
 *   asciiOnly      a string of V8 that has one letter over U+00FF takes two bytes for each of its letters
 *   inFunction     the function around a CommonJS module, which start.cjs would have to add to a copy of the text
 */

const BUILTIN = /^let (node_\w+) = require\("(node:[\w/]+)"\);$/gm;

/** Turns each builtin module that is only used as `name.member` into a function that loads it. */
export function lazyBuiltins(code) {
  let result = code;
  for (const [line, name, module] of code.matchAll(BUILTIN)) {
    const rest = result.replace(line, '');
    const uses = rest.match(new RegExp(`\\b${name}\\b`, 'g')) ?? [];
    const members = rest.match(new RegExp(`\\b${name}\\.`, 'g')) ?? [];
    if (uses.length !== members.length) continue;
    const loader = `function ${name}() { return ${name}.module ??= require("${module}"); }`;
    // Without the parentheses, `new` would take the loader for the class.
    const called = rest.replace(new RegExp(`\\bnew ${name}\\.`, 'g'), `new (${name}()).`);
    result = called.replace(new RegExp(`\\b${name}\\.`, 'g'), `${name}().`).replace(/^/, `${loader}\n`);
  }
  return result;
}

const EXPORT = /^exports\.([\w$]+) = ([\w$]+);\n/gm;

/** Makes one object of `exports.name = name;`, line by line at the end; getters are put into it after. */
export function lateExports(code) {
  const members = [...code.matchAll(EXPORT)].map(([, name, value]) => `${name}: ${value}`);
  if (members.length === 0) return code;
  const at = code.search(/^(?:exports\.|Object\.defineProperty\(exports, ")/m);
  const end = `Object.defineProperty(module, 'exports', { configurable: true, get() {
const exports = { ${members.join(', ')} };
${code.slice(at).replace(EXPORT, '')}
Object.defineProperty(module, 'exports', { value: exports });
return exports;
} });
`;
  return code.slice(0, at) + end;
}

/** Writes other letters as escapes, which mean the same wherever JavaScript lets such a letter stand without comments. */
export const asciiOnly = (code) =>
  code.replace(/[^\x00-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const inFunction = (code) => `(function (exports, require, module, __filename, __dirname) {${code}\n})`;
