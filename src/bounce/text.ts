import { formatAddress } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { formatDate } from '../message/date.ts';
import { explainStatus } from './advice.ts';
import { cleaned, ownWords, place, replyLines } from './clean.ts';
import type { ReportRequest } from './request.ts';
import { span } from './span.ts';
import { statusOf } from './status.ts';

/*
 * The part for people: who did not get the message, what happened, the remote's own words, what to do. Their words are
 * indented, ours are wrapped.
 */

export interface TextOptions {
  readonly entry: Pick<QueueEntry, 'queued'>;
  readonly now: number;
  /** Minutes east of UTC. */
  readonly zone: number;
  readonly fqdn: string;
  readonly retryUntil?: number;
  /** What is known of the original: name and value of the fields that help to recognize it. */
  readonly original: readonly (readonly [string, string])[];
  /** What of the original is in the report. */
  readonly returned: 'full' | 'headers' | 'too much' | 'nothing';
}

/** Recipients that are told of by name; the part for programs has all of them. */
const MOST_NAMED = 50;
const WIDTH = 76;
/** Octets of a line of theirs. */
const LONGEST_WORDS = 500;

export function reportText(request: ReportRequest, options: TextOptions): string {
  const { recipients } = request;
  const paragraphs = [
    `This is the mail system at ${cleaned(options.fqdn, LONGEST_WORDS)}.`,
    ...opening(request, options),
    ...recipients.slice(0, MOST_NAMED).map((recipient) => about(recipient, request)),
    ...(recipients.length > MOST_NAMED
      ? [`and ${recipients.length - MOST_NAMED} more, which the delivery report names.`]
      : []),
    ...original(request, options),
    closing(request, options),
  ];
  return `${paragraphs.map((text) => wrap(text)).join('\n\n')}\n`;
}

function opening({ kind, to, recipients }: ReportRequest, { entry, now, zone, retryUntil }: TextOptions): string[] {
  const whom = recipients.length === 1 ? 'this recipient' : `these ${recipients.length} recipients`;
  if (to === 'postmaster') {
    return [
      'You get this as the postmaster. A report about mail that could not be delivered was itself not deliverable to ' +
        `${whom}. Nobody else is told of it, and it will not be tried again.`,
    ];
  }
  switch (kind) {
    case 'failed':
      return [`Your message could not be delivered to ${whom}, and will not be tried again.`];
    case 'delayed': {
      const until = retryUntil === undefined ? '' : ` until ${formatDate(retryUntil, zone)}`;
      return [
        `Your message has not been delivered to ${whom} yet, after ${span(now - entry.queued)}.`,
        `You need not do anything: delivery is tried again${until}. If it fails for good, you will be told.`,
      ];
    }
    case 'relayed':
      return [
        `As you asked to be told: your message to ${whom} was passed on to a server that does not confirm deliveries. ` +
          'You will not hear more of it, unless it fails there.',
      ];
    case 'delivered':
      return [`As you asked to be told: your message was delivered to ${whom}.`];
  }
}

/** What is told of one recipient, each line indented. */
export function about(queued: QueuedRecipient, { kind, to }: Pick<ReportRequest, 'kind' | 'to'>): string {
  const name = `  ${cleaned(formatAddress(queued.recipient.address), LONGEST_WORDS)}`;
  if (kind === 'relayed' || kind === 'delivered') {
    const past = queued.history.at(-1);
    return past === undefined ? name : [name, ...saidBy(past), `      ${cleaned(past.text, LONGEST_WORDS)}`].join('\n');
  }
  const { last } = queued;
  if (last === undefined) return name;
  const { what, todo } = explainStatus(statusOf(queued, kind));
  const advice = last.advice === undefined ? todo : cleaned(last.advice, LONGEST_WORDS);
  const words =
    last.reply === undefined
      ? [`    Reason: ${cleaned(ownWords(last), LONGEST_WORDS)}`]
      : [...saidBy(last), ...replyLines(last.reply, LONGEST_WORDS).map((line) => `      ${line}`)];
  return [
    name,
    `    ${what}`,
    ...(last.uncertain === true
      ? ['    It may have been delivered all the same: the answer to the whole message was lost.']
      : []),
    ...words,
    ...(kind === 'failed' && to === 'sender' && advice !== '' ? [`    ${advice}`] : []),
  ].join('\n');
}

function saidBy({ host, address }: { readonly host?: string; readonly address?: string }): readonly string[] {
  if (host === undefined) return ['    The answer was:'];
  return [`    The server ${cleaned(place(host, address), LONGEST_WORDS)} said:`];
}

function original({ to }: ReportRequest, { original: fields }: TextOptions): readonly string[] {
  if (fields.length === 0) return [];
  const what = to === 'postmaster' ? 'The report was:' : 'Your message was:';
  return [[what, ...fields.map(([name, value]) => `  ${name}: ${value}`)].join('\n')];
}

function closing({ to }: ReportRequest, { returned }: TextOptions): string {
  const what = to === 'postmaster' ? 'the report' : 'your message';
  const behind = {
    full: `, then ${what} as it was.`,
    headers: `, then the header of ${what}.`,
    'too much': `, then the header of ${what}; all of it would have been too much for this one.`,
    nothing: '. The original could not be read any more.',
  };
  return `A delivery report for programs follows${behind[returned]} Nobody reads replies to this report.`;
}

/** Each line folded at blanks to WIDTH columns, its own indentation kept; no word is divided. */
export function wrap(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      const lines: string[] = [];
      let current = indent;
      for (const word of line.slice(indent.length).split(' ')) {
        if (current.length > indent.length && current.length + 1 + word.length > WIDTH) {
          lines.push(current);
          current = indent;
        }
        current += current.length > indent.length ? ` ${word}` : word;
      }
      return [...lines, current];
    })
    .join('\n');
}
