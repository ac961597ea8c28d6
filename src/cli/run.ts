import type { QueueEntry } from '../mail/entry.ts';
import type { DeliveryResult } from '../mail/result.ts';
import { EXIT, type ExitCode, exitCode } from './exit.ts';
import type { History } from './history.ts';
import type { ResultJson } from './json.ts';
import { formatSender, line, queuedLines, refusedLine, resultLines } from './output.ts';
import { readPlainWords } from './plain-words.ts';
import type { CommandLine } from './program.ts';
import { type Delivering, deliverJob, type Job, makeJob, skipsEmpty } from './send.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import { readValues, type SendOptions } from './values.ts';

/** Called by any other name, it may be sendmail that is wanted. */
const NAME = 'posthaste';
/** What root's delivery calls the program by, to have it deliver one message as another user. */
const ERRAND = 'posthaste-errand';

/*
 * One call of `posthaste`, from the words after its name to the exit status:
 *
 *   command line → configuration → password → message → recipients → delivery → result
 *
 * Whatever goes wrong before there are results is one line on standard error and a code of sysexits.h; standard input is
 * read to its end first, so that the caller sees the code and not a broken pipe. Nothing here touches the world: all of
 * it is in `Surroundings`. Never rejects. `name` is what the program was called by.
 */
export async function run(words: readonly string[], around: Surroundings, name = NAME): Promise<ExitCode> {
  const wantsJson = asksForJson(words);
  const attempt = async (act: Act, outer: Surroundings): Promise<ExitCode> => {
    try {
      return await act(outer);
    } catch (error) {
      return giveUp(explain(error), wantsJson, outer);
    }
  };
  const speaking = name === NAME || name === ERRAND ? around : (await import('./sendmail.ts')).speakingAs(name, around);
  return attempt(async (outer) => {
    if (name === ERRAND) return (await import('./errand.ts')).runErrand(outer);
    const command = await readCommand(name, words);
    const started = around.now();
    switch (command.kind) {
      case 'print':
        outer.stdout.write(command.text);
        return EXIT.ok;
      case 'wrong':
        return giveUp({ text: command.text, exit: EXIT.usage }, wantsJson, outer);
      case 'send':
        return sendMessage(readValues(command.given, command.words), started, outer);
      case 'sendmail': {
        const send = (options: SendOptions, inner: Surroundings) => sendMessage(options, started, inner);
        return (await import('./sendmail-run.ts')).runSendmail(command, { send, attempt }, outer);
      }
      case 'queue':
        return (await import('./queue.ts')).runQueueCommand(command.words, outer);
      case 'install':
        return (await import('./install.ts')).runInstall(command.words, outer);
      case 'explain':
        return (await import('./explain.ts')).runExplain(command.words, outer);
      case 'login':
        return (await import('./login-command.ts')).runLogin(command.words, outer);
      case 'logout':
        return (await import('./login-command.ts')).runLogout(command.words, outer);
      case 'config':
        return (await import('./config.ts')).runConfig(command.words, outer);
      case 'doctor':
        return (await import('./doctor.ts')).runDoctor(command.words, outer);
    }
  }, speaking);
}

type Act = (around: Surroundings) => Promise<ExitCode>;

/** Sends the message that the options name, and says what became of it. */
export async function sendMessage(options: SendOptions, started: number, around: Surroundings): Promise<ExitCode> {
  const job = await makeJob(options, around);
  if (options.dryRun) return (await import('./dry-run.ts')).showDryRun(job, around);
  if (skipsEmpty(job) && (await (await import('../message/blank.ts')).isBlank(job.delivery.message.body))) {
    return report({ ...job, refused: [] }, { started, histories: [], skipped: true }, around);
  }
  if (job.delivery.envelope.recipients.length === 0) return report(job, { started, histories: [] }, around);
  const tried = job.options.mode === 'interactive' ? await deliverJob(job, around) : undefined;
  if (tried !== undefined && !needsQueue(job, tried)) {
    return report(job, { started, histories: tried.histories }, around);
  }
  const { delivering, submitted } = await (await import('./submission.ts')).submitJob(job, around, tried);
  return report(job, { started, histories: delivering?.histories ?? [], ...submitted }, around);
}

/** Something is deferred, or a report of success was asked for. */
const needsQueue = ({ options, delivery }: Job, { histories, interrupted }: Delivering): boolean =>
  options.queue &&
  ((!interrupted && histories.some(({ result }) => result.outcome === 'deferred')) ||
    delivery.envelope.recipients.some(({ notify }) => notify?.includes('success') === true));

async function readCommand(name: string, words: readonly string[]): Promise<CommandLine> {
  if (name !== NAME) return (await import('./sendmail.ts')).readCall(name, words);
  return readPlainWords(words) ?? (await import('./program.ts')).readCommandLine(words);
}

/** Where the command line itself is wrong, there are no options to ask. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).includes('--json');
}

export async function giveUp(
  trouble: { readonly text: string; readonly exit: ExitCode },
  wantsJson: boolean,
  around: Surroundings,
): Promise<ExitCode> {
  await around.drain();
  for (const text of trouble.text.split('\n')) around.stderr.write(line(text));
  if (wantsJson) {
    const { errorJson, printJson } = await import('./json.ts');
    around.stdout.write(printJson(errorJson(trouble.text, trouble.exit)));
  }
  return trouble.exit;
}

interface Run {
  readonly started: number;
  readonly histories: readonly History[];
  /** What is in the queue. */
  readonly entry?: QueueEntry;
  /** Why the queue could not be used. */
  readonly trouble?: unknown;
  /** There was nothing to send. */
  readonly skipped?: true;
}

async function report(
  job: Job,
  { started, histories, entry, trouble, skipped }: Run,
  around: Surroundings,
): Promise<ExitCode> {
  const { options, delivery, refused, messageId } = job;
  const queued = new Set(entry?.recipients.map(({ recipient }) => recipient));
  const left = histories.map(({ result }) => result).filter(({ recipient }) => !queued.has(recipient));
  const isLost =
    trouble !== undefined && (histories.length === 0 || left.some(({ outcome }) => outcome === 'deferred'));
  const spool = isLost ? explain(trouble) : undefined;
  const exit = exitOf(left, { refused: refused.length, ...(spool === undefined ? {} : { spool: spool.exit }) });
  const lines = [
    ...refused.map(refusedLine),
    ...resultLines(left),
    ...(spool === undefined ? [] : [line(spool.text)]),
    ...(skipped && options.verbose > 0 ? [line('Nothing is sent: the body is empty')] : []),
    ...(entry !== undefined && options.verbose > 0 ? queuedLines(entry) : []),
  ];
  for (const text of lines) around.stderr.write(text);
  if (!options.json) return exit;
  const { historyJson, isoTime, printJson, queuedJson, refusedJson } = await import('./json.ts');
  const object: ResultJson = {
    version: 1,
    exit,
    message: { ...(messageId === undefined ? {} : { id: messageId }), size: delivery.message.facts.size },
    sender: formatSender(delivery.envelope),
    recipients: [
      ...histories.map((history) => historyJson(history, queued.has(history.recipient) ? entry?.id : undefined)),
      ...(entry === undefined || histories.length > 0 ? [] : queuedJson(entry)),
      ...refused.map(refusedJson),
    ],
    started: isoTime(started),
    finished: isoTime(around.now()),
    ...(spool === undefined ? {} : { error: { message: spool.text } }),
    ...(skipped === undefined ? {} : { skipped }),
  };
  around.stdout.write(printJson(object));
  return exit;
}

/** What is deferred may be tried again, whatever the spool's fault; what was never tried has the spool's own code. */
function exitOf(
  left: readonly DeliveryResult[],
  { refused, spool }: { readonly refused: number; readonly spool?: ExitCode },
): ExitCode {
  const exit = exitCode(left, refused);
  if (spool === undefined || (exit !== EXIT.ok && exit !== EXIT.tempFail)) return exit;
  if (spool === EXIT.software || (spool === EXIT.cantCreate && left.length === 0)) return spool;
  return EXIT.tempFail;
}
