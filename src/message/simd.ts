import { type LineState, RUN_LIMIT } from './lines.ts';
import { LINES_WASM } from './lines-wasm.ts';

/** A mutable global of the module. */
interface Cell<T> {
  value: T;
}

/** What lines.wat exports; addresses and lengths in octets. */
interface LinesExports {
  readonly convert: (at: number, end: number, to: number, dots: number) => number;
  readonly scan: (at: number, end: number) => void;
  readonly crs: Cell<number>;
  readonly start: Cell<number>;
  readonly size: Cell<bigint>;
  readonly line: Cell<bigint>;
  readonly longest: Cell<bigint>;
  readonly eightBit: Cell<number>;
  readonly nul: Cell<number>;
  readonly dot: Cell<number>;
}

/** lines.wat with a memory of its own. It keeps nothing between calls but what its globals hold. */
export interface Simd extends LinesExports {
  readonly memory: Buffer;
}

// The part of the WebAssembly API that is used here; the types of Node have none of it.
declare const WebAssembly: {
  readonly Module: new (bytes: Buffer) => object;
  readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: LinesExports };
};

const PAGE = 65_536;

/** Octets from which it is worth to compile the module (1 ms): JavaScript that runs for the first time does 10 MB/s. */
export const SIMD_FROM = 16_384;
/** Octets that are given to the module at once, at its address 0: they and what they become fit into a core's cache. */
export const PIECE = 262_144;
/** Octets that lines.wat may read or write beyond the ends it is given. */
export const OVERRUN = 16;
/** Where there is room for what a piece becomes, and how much that is at most. */
export const OUTPUT = PIECE + OVERRUN;
export const OUTPUT_SIZE = 2 * (PIECE + RUN_LIMIT) + OVERRUN;

let compiled: object | undefined;
let shared: Simd | null | undefined;

/** The instance of the whole program; what it made is to be copied before anybody else may call it. */
export function sharedSimd(): Simd | null {
  if (shared === undefined) shared = makeSimd(OUTPUT + OUTPUT_SIZE);
  return shared;
}

/** Makes an instance with so many octets of memory; null where the machine has no SIMD or no address space for it. */
export function makeSimd(octets: number): Simd | null {
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(LINES_WASM, 'base64'));
    const memory = new WebAssembly.Memory({ initial: Math.ceil(octets / PAGE) });
    const { exports } = new WebAssembly.Instance(compiled, { js: { memory } });
    return { ...exports, memory: Buffer.from(memory.buffer) };
  } catch {
    // CompileError and RangeError: plain JavaScript does the same, more slowly.
    return null;
  }
}

/** Lets the module go on where the state is. */
export function enter(simd: Simd, state: LineState): void {
  simd.crs.value = state.crs;
  simd.start.value = state.start ? 1 : 0;
}

/** Keeps in the state where the module is. */
export function leave(simd: Simd, state: LineState): void {
  state.crs = simd.crs.value;
  state.start = simd.start.value === 1;
}
