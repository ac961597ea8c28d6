import type { Report, ReportOptions } from '../../src/bounce/report.ts';
import type { ReportRequest } from '../../src/bounce/request.ts';
import type { QueuedRecipient } from '../../src/mail/entry.ts';
import type { Failure } from '../../src/mail/result.ts';
import type { Message } from '../../src/message/message.ts';
import { combine, scanBytes } from '../../src/message/scan.ts';
import { memorySource } from '../../src/message/source.ts';
import { entryOf, failureOf, QUEUED, queuedOf } from '../support/entry.ts';

export const HOUR = 3_600_000;

/** The message of a cron job, its facts as they are. The text's line ends are LF. */
export function originalOf(header: string, body: string | Buffer): Message {
  const head = Buffer.from(`${header}\n\n`.replaceAll('\n', '\r\n'));
  const bytes = typeof body === 'string' ? Buffer.from(body.replaceAll('\n', '\r\n')) : body;
  return { header: head, body: memorySource(bytes), facts: combine(scanBytes(head), scanBytes(bytes)) };
}

export const CRON = originalOf(
  [
    'From: Ann <ann@example.org>',
    'To: bob@example.net',
    'Subject: Cron <ann@host> /usr/local/bin/backup',
    'Date: Sun, 22 Nov 2026 21:11:30 +0100',
    'Message-ID: <job.1@host.example.org>',
    'References: <first@example.org>',
  ].join('\n'),
  'The backup failed:\n.no space left on device\n--\nhost\n',
);

/** Deterministic chance. */
export function chances(): () => number {
  let n = 0;
  return () => ((n++ * 7919) % 10_007) / 10_007;
}

export const how = (rest: Partial<ReportOptions> = {}): ReportOptions => ({
  entry: entryOf({ id: 'm1x9k2' }),
  message: CRON,
  now: QUEUED + 2000,
  zone: 60,
  random: chances(),
  fqdn: 'host.example.org',
  ...rest,
});

/** A recipient for whom that was the end. */
export const lostOf = (address: string, failure: Partial<Failure> = {}, rest: Partial<QueuedRecipient> = {}) => {
  const last = failureOf(failure);
  const { host, address: from } = last;
  return queuedOf(address, {
    state: 'failed',
    attempts: 1,
    last,
    history: [
      {
        at: QUEUED + 1000,
        outcome: 'failed',
        status: last.status,
        text: last.text,
        ...(host === undefined ? {} : { host }),
        ...(from === undefined ? {} : { address: from }),
      },
    ],
    ...rest,
  });
};

export const requestOf = (
  recipients: readonly QueuedRecipient[],
  rest: Partial<ReportRequest> = {},
): ReportRequest => ({ kind: 'failed', to: 'sender', recipients, ...rest });

/** The bytes of a report as they are sent. */
export function bytesOf(report: Report): Buffer {
  return Buffer.concat([report.message.header, report.message.body.bytes ?? Buffer.alloc(0)]);
}
