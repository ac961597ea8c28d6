/** No password can be had from where it was said to be. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
  /** 78: what was asked for is wrong. 77: it is right, and nothing came of it. */
  readonly exit: 77 | 78;

  constructor(reason: string, exit: 77 | 78) {
    super(`Cannot read password: ${reason}`);
    this.exit = exit;
  }
}

/** Octets of a password, and of what is read in search of its end. */
export const MAX_SECRET = 65_536;

/** The one line of text that a password is, without its line end. @throws {SecretError} */
export function secretOf(bytes: Buffer, origin: string): string {
  if (bytes.length > MAX_SECRET) throw new SecretError(`${origin} has more than 64 KiB`, 78);
  const text = decode(bytes)?.replace(/\r?\n$/, '');
  if (text === undefined) throw new SecretError(`${origin} is not UTF-8`, 78);
  if (text === '') throw new SecretError(`${origin} is empty`, 78);
  if (/[\r\n]/.test(text)) throw new SecretError(`${origin} has more than one line`, 78);
  if (text.includes('\0')) throw new SecretError(`${origin} has a NUL`, 78);
  return text;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The system's name of an error. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
