import { EXIT, type ExitCode, exitCode } from './exit.ts';
import type { History } from './history.ts';
import { errorJson, historyJson, isoTime, printJson, type ResultJson, refusedJson } from './json.ts';
import { formatSender, line, refusedLine, resultLines } from './output.ts';
import { readCommandLine } from './program.ts';
import { deliverJob, type Job, makeJob } from './send.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import { readValues } from './values.ts';

/*
 * One call of `posthaste`, from the words after its name to the exit status:
 *
 *   command line → configuration → password → message → recipients → delivery → result
 *
 * Whatever goes wrong before there are results is one line on standard error and a code of sysexits.h; standard input is
 * read to its end first, so that the caller sees the code and not a broken pipe. Nothing here touches the world: all of
 * it is in `Surroundings`. Never rejects.
 */
export async function run(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const started = around.now();
  const wantsJson = asksForJson(words);
  try {
    const command = readCommandLine(words);
    switch (command.kind) {
      case 'print':
        around.stdout.write(command.text);
        return EXIT.ok;
      case 'wrong':
        return await giveUp({ text: command.text, exit: EXIT.usage }, wantsJson, around);
      case 'send': {
        const job = await makeJob(readValues(command.given, command.words), around);
        if (job.options.dryRun) return await (await import('./dry-run.ts')).showDryRun(job, around);
        return report(job, { started, histories: await deliverJob(job, around) }, around);
      }
    }
  } catch (error) {
    return giveUp(explain(error), wantsJson, around);
  }
}

/** Where the command line itself is wrong, there are no options to ask. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).includes('--json');
}

async function giveUp(
  trouble: { readonly text: string; readonly exit: ExitCode },
  wantsJson: boolean,
  around: Surroundings,
): Promise<ExitCode> {
  await around.drain();
  for (const text of trouble.text.split('\n')) around.stderr.write(line(text));
  if (wantsJson) around.stdout.write(printJson(errorJson(trouble.text, trouble.exit)));
  return trouble.exit;
}

interface Run {
  readonly started: number;
  readonly histories: readonly History[];
}

function report(
  { options, delivery, refused, messageId }: Job,
  { started, histories }: Run,
  around: Surroundings,
): ExitCode {
  const results = histories.map((history) => history.result);
  const exit = exitCode(results, refused.length);
  for (const text of [...refused.map(refusedLine), ...resultLines(results)]) around.stderr.write(text);
  if (!options.json) return exit;
  const object: ResultJson = {
    version: 1,
    exit,
    message: { ...(messageId === undefined ? {} : { id: messageId }), size: delivery.message.facts.size },
    sender: formatSender(delivery.envelope),
    recipients: [...histories.map(historyJson), ...refused.map(refusedJson)],
    started: isoTime(started),
    finished: isoTime(around.now()),
  };
  around.stdout.write(printJson(object));
  return exit;
}
