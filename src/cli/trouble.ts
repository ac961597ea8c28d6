import { escapeControls } from '../mail/printable.ts';
import { MessageError } from '../message/split.ts';
import { IntakeError, type IntakeKind } from '../submit/intake.ts';
import { EXIT, type ExitCode } from './exit.ts';

/** What is told of an error that ended the run, mostly one line, and its code. */
export interface Trouble {
  readonly text: string;
  readonly exit: ExitCode;
}

const INTAKE: Readonly<Record<IntakeKind, ExitCode>> = {
  noinput: EXIT.noInput,
  io: EXIT.io,
  cantcreate: EXIT.cantCreate,
  toolarge: EXIT.data,
};

export function explain(error: unknown): Trouble {
  // CommandError and SecretError; the room of the latter is only loaded when a password is looked for.
  const own = Object.values(EXIT).find((code) => error instanceof Error && 'exit' in error && error.exit === code);
  if (error instanceof Error && own !== undefined) return { text: error.message, exit: own };
  if (error instanceof IntakeError) return { text: error.message, exit: INTAKE[error.kind] };
  if (error instanceof MessageError) return { text: error.message, exit: EXIT.data };
  return { text: `Cannot go on: this is a bug: ${escapeControls(described(error))}`, exit: EXIT.software };
}

/** The message and the place: the first line of our own in the stack. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1];
  return `${error.name}: ${error.message}${place === undefined ? '' : ` (at ${place})`}`;
}
