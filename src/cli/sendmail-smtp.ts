import type { NamedRecipient } from '../config/aliases.ts';
import type { Address } from '../mail/address.ts';
import { isBlank } from '../message/blank.ts';
import type { Source } from '../message/source.ts';
import { type Served, type SessionEnds, serveSmtp } from '../submit/smtp-serve.ts';
import type { SessionEnvelope, Verdict } from '../submit/smtp-step.ts';
import type { World } from '../world.ts';
import { withEnvironment } from './environment.ts';
import { EXIT, type ExitCode, exitCode } from './exit.ts';
import { type FoundMeans, readMeans } from './means.ts';
import { line, type RefusedAddress, refusedLine, resultLines } from './output.ts';
import { draftJob, type Job, skipsEmpty, whoReads } from './send.ts';
import { submitJob } from './submission.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import type { SendOptions } from './values.ts';

/*
 * `sendmail -bs`: SMTP on standard input and output, for alpine, nmh, Symfony and others that hand their mail in that way.
 * A message gets what it gets in any call of sendmail: aliases, a header that is mended, the way that the options and the
 * configuration say. Its 250 means that it is in the queue; only where the queue can't be used is it tried at once, and
 * then the reply says what became of it. Mail for a name that leads nowhere is refused at RCPT already.
 */

/** Tells the sender what is wrong with addresses of a message that went to others. */
export type TellSender = (job: Job, refused: readonly string[]) => Promise<void>;

export async function runSmtp(given: SendOptions, tell: TellSender, around: Surroundings): Promise<ExitCode> {
  const options = withEnvironment(given, around.env);
  const means = await readMeans(options, around, 'handed over');
  const { settings } = means;
  const { fqdn, domain } = means.identity;
  const world = around.openWorld(settings);
  const conversation = around.converse();
  const signal = around.catchSignals();
  signal.addEventListener('abort', () => conversation.end());
  const ends: SessionEnds = {
    input: conversation.input,
    write: (text) => conversation.write(text),
    scratch: () => world.scratch(),
    submit: (envelope, source) => take({ envelope, source, means, tell }, options, around),
    verify: (recipient, sender) => lookUp({ recipient, sender, options, means, world }, around),
    sleep: (milliseconds, ended) => world.sleep(milliseconds, ended),
    trouble: (error) => around.stderr.write(line(explain(error).text)),
  };
  const served = await serveSmtp({ hostname: fqdn ?? domain, domain, maxSize: settings.limits.messageSize }, ends);
  conversation.end();
  return signal.aborted ? EXIT.tempFail : codeOf(served);
}

function codeOf({ why }: Served): ExitCode {
  switch (why) {
    case 'quit':
    case 'end':
      return EXIT.ok;
    case 'cut':
    case 'idle':
      return EXIT.tempFail;
    case 'errors':
      return EXIT.protocol;
    case 'broken':
      return EXIT.io;
  }
}

const ACCEPTED: Verdict = { ok: true, text: 'Ok' };

interface Asked {
  readonly recipient: NamedRecipient;
  readonly sender: Address | null;
  readonly options: SendOptions;
  readonly means: FoundMeans;
  readonly world: World;
}

/** Refuses a name whose aliases lead to nobody, and with `--verify-rcpt` what the servers refuse. */
async function lookUp({ recipient, options, means, ...asked }: Asked, around: Surroundings): Promise<Verdict> {
  const { identity, settings } = means;
  const named = { recipients: [recipient], refused: [] };
  const { recipients, refused } = await whoReads(named, { options, settings, identity }, around);
  if (recipients.length === 0) {
    return { ok: false, permanent: true, status: '5.1.1', text: refused[0]?.reason ?? 'its alias leads to nobody' };
  }
  if (options.sendmail?.verifies !== true) return ACCEPTED;
  const { askServers } = await import('./ask-servers.ts');
  return (await askServers({ ...asked, recipients, options, means }, around)) ?? ACCEPTED;
}

interface Handed {
  readonly envelope: SessionEnvelope;
  readonly source: Source;
  readonly means: FoundMeans;
  readonly tell: TellSender;
}

async function take(handed: Handed, options: SendOptions, around: Surroundings): Promise<Verdict> {
  try {
    const job = await jobOf(handed, options, around);
    if (skipsEmpty(job) && (await isBlank(job.delivery.message.body))) {
      return { ok: true, text: 'nothing is sent: the body is empty' };
    }
    if (job.delivery.envelope.recipients.length === 0) return refusal(job.refused);
    const { submitted, delivering } = await submitJob(job, around);
    if (job.refused.length > 0) await handed.tell(job, job.refused.map(refusedLine));
    if (submitted.entry !== undefined) return { ok: true, text: `queued as ${submitted.entry.id}` };
    const { text } = explain(submitted.trouble);
    if (delivering === undefined) return { ok: false, status: '4.3.0', text };
    const results = delivering.histories.map(({ result }) => result);
    const [first] = resultLines(results);
    if (first === undefined) return { ok: true, text: 'delivered' };
    const permanent = exitCode(results, 0) !== EXIT.tempFail;
    return { ok: false, permanent, text: first.replace(/^posthaste: /, '').trimEnd() };
  } catch (error) {
    const { text, exit } = explain(error);
    around.stderr.write(line(text));
    return { ok: false, permanent: exit === EXIT.data, text };
  }
}

const refusal = ([first]: readonly RefusedAddress[]): Verdict => ({
  ok: false,
  permanent: true,
  status: '5.1.3',
  text: first === undefined ? 'nobody reads it' : `${first.text}: ${first.reason}`,
});

/** A message of the session, as a call of its own. */
function jobOf({ envelope, source, means }: Handed, options: SendOptions, around: Surroundings): Promise<Job> {
  const { sender, recipients, id, smtpUtf8, requireTls } = envelope;
  const { envelopeId: _, return: __, sendmail, ...rest } = options;
  const own: SendOptions = {
    ...rest,
    ...(id === undefined ? {} : { envelopeId: id }),
    ...(envelope.return === undefined ? {} : { return: envelope.return }),
    requireTls: options.requireTls || requireTls === true,
    // Nobody waits for a delivery here: the client waits for its 250.
    mode: options.mode === 'queue' ? 'queue' : 'background',
    headerSender: false,
    ...(sendmail === undefined ? {} : { sendmail: { ...sendmail, encode: sendmail.encode && smtpUtf8 !== true } }),
  };
  return draftJob(
    own,
    { source, means, author: sender, named: true, recipients: () => ({ recipients, refused: [] }) },
    around,
  );
}
