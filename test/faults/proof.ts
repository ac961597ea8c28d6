/** Where it is shown that a fault is borne. */
export type Proof =
  /** A row of this id in one of the tables. */
  | 'table'
  /** A test whose name holds the fragment. */
  | { readonly file: string; readonly test: string };

export interface Fault {
  readonly fault: string;
  readonly proofs: readonly Proof[];
}

export const fault = (text: string, ...proofs: readonly Proof[]): Fault => ({ fault: text, proofs });
export const at = (file: string, test: string): Proof => ({ file: `test/${file}.test.ts`, test });
export const command = (test: string): Proof => at('faults/process', test);
