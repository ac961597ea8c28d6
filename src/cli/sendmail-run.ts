import type { Source } from '../message/source.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { SendmailAct } from './sendmail.ts';
import { speaking, withheld } from './sendmail-voice.ts';
import type { Surroundings } from './surroundings.ts';
import { readValues, type SendOptions } from './values.ts';

/*
 * A call by sendmail's name that takes the options of a message. Who hears of what went wrong is said by `-oe`:
 *
 *   p     standard error (the default)
 *   m, w  the sender, by mail, with the message; standard error where that can't be done
 *   e     as m, and the exit status is 0
 *   q     nobody: there is only the exit status
 */

/** One call as of `posthaste send`; never rejects. */
type Attempt = (act: (around: Surroundings) => Promise<ExitCode>, around: Surroundings) => Promise<ExitCode>;

export interface Sending {
  /** Sends the message that the options name. */
  send(options: SendOptions, around: Surroundings): Promise<ExitCode>;
  /** Tells of what the act throws. */
  readonly attempt: Attempt;
}

export async function runSendmail(call: SendmailAct, sending: Sending, around: Surroundings): Promise<ExitCode> {
  const { errors } = call.manner;
  const act = (inner: Surroundings): Promise<ExitCode> => perform(call, sending, inner);
  if (errors === 'print') return sending.attempt(act, around);
  const { output, lines } = withheld(around.stderr);
  if (errors === 'quiet') return sending.attempt(act, speaking(around, output));
  const message = keeping(speaking(around, output));
  const exit = await sending.attempt(act, message.around);
  if (exit === EXIT.ok) {
    for (const text of lines) around.stderr.write(text);
    return exit;
  }
  const { mailBack } = await import('./sendmail-return.ts');
  const options = optionsOf(call);
  const source = message.read();
  const trouble = await mailBack({ lines, ...(source === undefined ? {} : { source }) }, options, around);
  if (trouble === undefined) return errors === 'mail' ? exit : EXIT.ok;
  for (const text of [...lines, trouble]) around.stderr.write(text);
  return exit;
}

const optionsOf = ({ given, words, manner }: SendmailAct): SendOptions => ({
  ...readValues(given, words),
  sendmail: manner,
});

async function perform(call: SendmailAct, sending: Sending, around: Surroundings): Promise<ExitCode> {
  const options = optionsOf(call);
  switch (call.act) {
    case 'send':
      return sending.send(options, around);
    case 'smtp': {
      const [{ runSmtp }, { tellSender }] = await Promise.all([
        import('./sendmail-smtp.ts'),
        import('./sendmail-return.ts'),
      ]);
      return runSmtp(options, (job, lines) => tellSender({ job, lines }, around), around);
    }
    case 'verify':
      return (await import('./sendmail-verify.ts')).showRecipients(options, around);
    case 'aliases':
      return (await import('./sendmail-aliases.ts')).checkAliases(options, around);
  }
}

/** Octets of a message that was not read yet when all ended, and is to go back. */
const MOST_LATE = 1_048_576;

/** Keeps the message that is read, so that it can go back; one that nobody came to read is read in the place of draining. */
function keeping(around: Surroundings): { readonly around: Surroundings; read(): Source | undefined } {
  let source: Source | undefined;
  const readMessage: Surroundings['readMessage'] = async (request) => {
    source = await around.readMessage(request);
    return source;
  };
  const drain = async (): Promise<void> => {
    source ??= await around.readMessage({ maxSize: MOST_LATE }).catch(() => undefined);
    await around.drain();
  };
  return { around: { ...around, readMessage, drain }, read: () => source };
}
