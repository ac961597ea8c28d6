import type { SocksRefusal } from './socks.ts';

/** Refuses as the system would. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly code: string;

  constructor({ code, reason }: SocksRefusal) {
    super(reason);
    this.code = code;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host is unreachable',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'address is not available',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such socket',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
};

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';

/** The code of an error, and its reason in a few words. */
export function wordsOf(error: unknown): SocksRefusal {
  if (error instanceof OpenError) return { code: error.code, reason: error.message };
  const code = codeOf(error);
  return { code, reason: WORDS[code] ?? (error instanceof Error ? error.message : String(error)) };
}
