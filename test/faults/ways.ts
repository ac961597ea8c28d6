/** The ways in which a message travels, by what the server offers. */
export const WAYS = {
  'one by one': ['8BITMIME'],
  PIPELINING: ['PIPELINING'],
  CHUNKING: ['PIPELINING', 'CHUNKING'],
} as const;

export type Way = keyof typeof WAYS;

export const ways: readonly { readonly way: Way; readonly extensions: readonly string[] }[] = (
  ['one by one', 'PIPELINING', 'CHUNKING'] as const
).map((way) => ({ way, extensions: WAYS[way] }));

export const TWO: readonly string[] = ['ann@dest.test', 'bob@dest.test'];
