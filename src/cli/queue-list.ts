import type { QueueEntry } from '../mail/entry.ts';
import { escapeControls } from '../mail/printable.ts';
import type { Spool } from '../queue/spool.ts';
import { dropFolder } from './drop-folder.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { isoTime, printJson } from './json.ts';
import { formatOctets } from './progress.ts';
import type { OpenQueue, QueueCall } from './queue.ts';
import { queuedJson } from './queue-json.ts';
import { fitsMessage, fitting, readSelection, type Selection } from './queue-select.ts';
import { entryLines, formatSpan, plural } from './queue-text.ts';

/* `posthaste queue list` and `stats`: entries are read one after the other and forgotten, however many there are. */

/** What programs look for in the output of mailq(1). */
const EMPTY = 'Mail queue is empty\n';

/** Characters that are written at once. */
const WRITE = 65_536;

/** Of all spools that the caller owns; what is not in the one that the other commands work on stands behind its folder. */
export async function listQueue(
  { given, ids, settings, paint, around }: QueueCall,
  open: OpenQueue,
  openOthers: () => Promise<readonly Spool[]>,
): Promise<ExitCode> {
  const selection = readSelection(given, ids);
  const isCount = given.has('count');
  const isJson = given.has('json');
  const now = around.now();
  const total = { messages: 0, recipients: 0, size: 0 };
  const self = around.surface.userId();
  let text = '';
  const own = await open();
  async function* all(): AsyncGenerator<{ entry: QueueEntry; spool: Spool }> {
    for (const spool of [...(own === undefined ? [] : [own]), ...(await openOthers())]) {
      for await (const entry of spool.entries()) yield { entry, spool };
    }
  }
  let place = own;
  for await (const { entry, spool } of all()) {
    if (!isListed(selection, entry, now)) continue;
    if (spool !== place && !isCount && !isJson) text += `${paint.dim(`In ${escapeControls(spool.folder)}:`)}\n`;
    place = spool;
    total.messages += 1;
    total.recipients += entry.recipients.filter(({ state }) => state === 'pending').length;
    total.size += entry.message.facts.size;
    if (isCount) continue;
    const elsewhere = spool === own ? {} : { spool: spool.folder };
    if (isJson) text += printJson({ ...queuedJson(entry), ...elsewhere });
    else text += `${entryLines(entry, { now, paint, self }).join('\n')}\n`;
    if (text.length < WRITE) continue;
    around.stdout.write(text);
    text = '';
  }
  const { messages, recipients, size } = total;
  const sum = `${plural(messages, 'message')}, ${plural(recipients, 'recipient')}, ${formatOctets(size)}`;
  if (isCount) text = isJson ? printJson({ version: 1, messages }) : `${messages}\n`;
  else if (!isJson) {
    text += messages === 0 ? EMPTY : `${paint.dim(`-- ${sum}`)}\n`;
    const drop = given.has('spool') ? undefined : dropFolder(settings, around);
    // Programs read what is printed, and people do not see what lies where they may not look.
    if (drop !== undefined && (await around.stdout.isTerminal())) {
      text += `${paint.dim(`-- what you put into ${escapeControls(drop)} is listed by root alone`)}\n`;
    }
  }
  around.stdout.write(text);
  return EXIT.ok;
}

/** Where recipients are asked for, those of them that wait; else every message that fits. */
const isListed = (selection: Selection, entry: QueueEntry, now: number): boolean =>
  selection.to.length + selection.reason.length > 0
    ? fitting(selection, entry, now).length > 0
    : fitsMessage(selection, entry, now);

interface Waiting {
  readonly domain: string;
  recipients: number;
  deferred: number;
}

/** Domains that are shown. */
const MOST_DOMAINS = 20;

export async function showStats({ given, paint, around }: QueueCall, open: OpenQueue): Promise<ExitCode> {
  const now = around.now();
  const total = { messages: 0, held: 0, reports: 0, size: 0, recipients: 0, deferred: 0, due: 0 };
  const domains = new Map<string, Waiting>();
  let oldest: number | undefined;
  let next: number | undefined;
  for await (const entry of (await open())?.entries() ?? []) {
    total.messages += 1;
    total.size += entry.message.facts.size;
    if (entry.held === true) total.held += 1;
    if (entry.report !== undefined) total.reports += 1;
    oldest = Math.min(oldest ?? entry.queued, entry.queued);
    for (const { state, recipient, attempts, nextAttempt } of entry.recipients) {
      if (state !== 'pending') continue;
      const { domain } = recipient.address;
      const waiting = domains.get(domain) ?? { domain, recipients: 0, deferred: 0 };
      domains.set(domain, waiting);
      waiting.recipients += 1;
      total.recipients += 1;
      if (attempts > 0) waiting.deferred += 1;
      if (attempts > 0) total.deferred += 1;
      if (entry.held === true) continue;
      if (nextAttempt <= now) total.due += 1;
      next = Math.min(next ?? nextAttempt, nextAttempt);
    }
  }
  const top = [...domains.values()].sort((one, other) => other.recipients - one.recipients).slice(0, MOST_DOMAINS);
  if (given.has('json')) {
    const times = {
      ...(oldest === undefined ? {} : { oldest: isoTime(oldest) }),
      ...(next === undefined ? {} : { nextAttempt: isoTime(next) }),
    };
    around.stdout.write(printJson({ version: 1, ...total, ...times, domains: top }));
    return EXIT.ok;
  }
  if (total.messages === 0) {
    around.stdout.write(EMPTY);
    return EXIT.ok;
  }
  const row = (label: string, text: string): string => `${paint.dim(label.padEnd(13))} ${text}`;
  const lines = [
    row('Messages', `${total.messages} (${total.held} held, ${total.reports} reports), ${formatOctets(total.size)}`),
    row('Recipients', `${total.recipients} (${total.deferred} deferred, ${total.due} due now)`),
    ...(oldest === undefined ? [] : [row('Oldest', formatSpan(now - oldest))]),
    ...(next === undefined ? [] : [row('Next attempt', next <= now ? 'now' : `in ${formatSpan(next - now)}`)]),
    ...top.map(({ domain, recipients, deferred }) =>
      row('', `${String(recipients).padStart(6)} ${domain}${deferred === 0 ? '' : ` (${deferred} deferred)`}`),
    ),
  ];
  around.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.ok;
}
