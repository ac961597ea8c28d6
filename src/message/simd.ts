import type { LineState } from './lines.ts';
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

/** Octets that lines.wat may read or write beyond the ends it is given. */
export const OVERRUN = 16;

let compiled: object | null | undefined;

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
