import { formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { escapeControls } from '../mail/printable.ts';
import { inspect, type Summary } from '../message/inspect.ts';
import type { Message } from '../message/message.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { isoTime, printJson } from './json.ts';
import { formatSender } from './output.ts';
import { formatOctets } from './progress.ts';
import type { OpenQueue, QueueCall } from './queue.ts';
import { historyOf, queuedJson } from './queue-json.ts';
import { readSelection } from './queue-select.ts';
import { failureText, formatSpan, stateText } from './queue-text.ts';
import { summaryLines } from './summary.ts';

/* `posthaste queue show ID…`: the envelope, what was tried, and a summary of what the message says; or its bytes. */

export async function showQueued(call: QueueCall, open: OpenQueue): Promise<ExitCode> {
  const { given, ids } = call;
  readSelection(given, ids);
  if (ids.length === 0)
    throw new CommandError('Cannot show message: give its id, as `posthaste queue` lists it', EXIT.usage);
  const spool = await open();
  for (const id of ids) {
    const entry = await spool?.read(id);
    if (spool === undefined || entry === undefined) {
      throw new CommandError(`Cannot show message ${id}: it is not in the queue`, EXIT.noInput);
    }
    const message = await spool.message(entry);
    try {
      if (given.has('raw')) await writeRaw(message, call);
      else if (given.has('json')) await writeJson(entry, message, call);
      else await writeText(entry, message, call);
    } finally {
      message.body.close?.();
    }
  }
  return EXIT.ok;
}

/** A terminal must not obey what is in a message. */
async function writeRaw({ header, body }: Message, { around }: QueueCall): Promise<void> {
  const isTerminal = await around.stdout.isTerminal();
  const write = (bytes: Buffer): void => {
    if (isTerminal) around.stdout.write(bytes.toString('utf8').split(/\r?\n/).map(escapeControls).join('\n'));
    else around.stdout.writeBytes(bytes);
  };
  write(header);
  for await (const chunk of body.chunks()) write(chunk);
}

const summaryOf = (message: Message): Promise<Summary | undefined> => inspect(message).catch(() => undefined);

async function writeJson(entry: QueueEntry, message: Message, { around }: QueueCall): Promise<void> {
  const { id, return: give, requireTls } = entry.envelope;
  const envelope = {
    ...(id === undefined ? {} : { envelopeId: id }),
    ...(give === undefined ? {} : { return: give }),
    ...(requireTls === true ? { requireTls } : {}),
  };
  const summary = await summaryOf(message);
  around.stdout.write(
    printJson({
      ...queuedJson(entry),
      ...envelope,
      way: entry.way,
      history: historyOf(entry),
      summary,
    }),
  );
}

const row = (label: string, text: string): string => `${label.padEnd(11)} ${text}`;

async function writeText(entry: QueueEntry, message: Message, { around, paint }: QueueCall): Promise<void> {
  const now = around.now();
  const { envelope, recipients, way, held, report, uid } = entry;
  const lines = [
    row('Id', entry.id),
    row('Queued', `${isoTime(entry.queued)} (${formatSpan(now - entry.queued)}), by user id ${uid}`),
    ...(held === true ? [row('Held', 'until it is released')] : []),
    ...(report === undefined ? [] : [row('Report', report.kind)]),
    row('Sender', formatSender(envelope) || '<>'),
    ...(envelope.id === undefined ? [] : [row('Envelope id', envelope.id)]),
    ...Object.entries(way).map(([key, value]) =>
      row('Way', `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`),
    ),
    row('Size', formatOctets(entry.message.facts.size)),
  ].map(escapeControls);
  for (const queued of recipients) {
    lines.push('', `${escapeControls(formatAddress(queued.recipient.address))}  ${stateText(queued, now, paint)}`);
    if (queued.last !== undefined) lines.push(`    ${paint.dim(failureText(queued.last))}`);
    for (const { at, outcome, status, host, text } of queued.history) {
      const said = [isoTime(at), outcome, status, host, text].filter((part) => part !== undefined).join('  ');
      lines.push(`    ${escapeControls(said)}`);
    }
  }
  lines.push('', ...summaryLines(await summaryOf(message)).map(escapeControls));
  around.stdout.write(`${lines.join('\n')}\n`);
}
