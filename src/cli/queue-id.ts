import type { Reply } from '../mail/reply.ts';

/** Where each server puts its queue id in the reply to the end of the message; tried in order. */
const FORMS: readonly RegExp[] = [
  // Postfix, also behind a filter: "2.0.0 Ok: queued as 4XyZ".
  /\bqueued as ([\w.+-]{1,80})/i,
  // Exim: "OK id=1rabcd-000001-2A".
  /\bid=<?([\w.@+-]{1,80})/i,
  // Exchange: "2.6.0 <x@y> [InternalId=123, Hostname=h] Queued mail for delivery".
  /\bInternalId=(\d{1,40})/,
  // Older Exchange and IIS: "2.6.0 <x@y> Queued mail for delivery".
  /<([^<>\s]{1,200})> Queued mail for delivery/i,
  // qmail: "ok 1700000000 qp 12345".
  /\bqp (\d{1,20})\b/,
  // Haraka: "Message Queued (8F3C….1)".
  /\bqueued \(([\w.-]{1,80})\)/i,
  // Sendmail and OpenSMTPD: "2.0.0 x4K1 Message accepted for delivery".
  /([\w.-]{4,80}) Message accepted for delivery/i,
  // Dovecot's LMTP: "2.0.0 <ann@example.org> dkXX Saved".
  /> ([\w+/:=.-]{4,80}) Saved\b/,
  // Google: "2.0.0 OK  1700000000 a1-20020a…si1 - gsmtp".
  /\bOK {1,2}\d{9,11} (\S{6,80}) - gsmtp\b/i,
  // Amazon and others: "Ok 0100018c-0000"; a word of six characters with a digit in it.
  /^(?:\d\.\d{1,3}\.\d{1,3} )?OK:? ((?=[\w.-]*\d)[\w.@-]{6,100})(?:$| )/i,
];

/** The remote's own name for the message, from its reply to the end of it; undefined where it gives none that is known. */
export function queueId(reply: Reply): string | undefined {
  for (const line of reply.lines) {
    const text = line.slice(0, 512);
    for (const form of FORMS) {
      const found = form.exec(text)?.[1];
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
