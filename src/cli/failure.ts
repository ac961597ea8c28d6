import type { ExitCode } from './exit.ts';

/** An end of the run that is not about one recipient: what to tell the caller, a line or several, and the code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: ExitCode;

  constructor(text: string, exit: ExitCode, options?: { cause?: unknown }) {
    super(text, options);
    this.exit = exit;
  }
}
