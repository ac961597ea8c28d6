import { SecretError } from '../config/secrets.ts';
import { escapeControls } from '../mail/printable.ts';
import { MessageError } from '../message/split.ts';
import { IntakeError, type IntakeKind } from '../submit/intake.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';

/** What is told of an error that ended the run, mostly one line, and its code. */
export interface Trouble {
  readonly text: string;
  readonly exit: ExitCode;
}

const INTAKE: Readonly<Record<IntakeKind, ExitCode>> = { noinput: EXIT.noInput, io: EXIT.io, toolarge: EXIT.data };

export function explain(error: unknown): Trouble {
  if (error instanceof CommandError) return { text: error.message, exit: error.exit };
  if (error instanceof IntakeError) return { text: error.message, exit: INTAKE[error.kind] };
  if (error instanceof MessageError) return { text: error.message, exit: EXIT.data };
  if (error instanceof SecretError) return { text: error.message, exit: error.exit };
  return { text: `Cannot go on: this is a bug: ${escapeControls(described(error))}`, exit: EXIT.software };
}

/** The message and the place: the first line of our own in the stack. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1];
  return `${error.name}: ${error.message}${place === undefined ? '' : ` (at ${place})`}`;
}
