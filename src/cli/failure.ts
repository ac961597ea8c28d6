import type { ExitCode } from './exit.ts';

/** An end of the run that is not about one recipient: one line for the caller, and the code to leave with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: ExitCode;

  constructor(text: string, exit: ExitCode, options?: { cause?: unknown }) {
    super(text, options);
    this.exit = exit;
  }
}
