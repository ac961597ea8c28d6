import type { Ending } from '../mail/ending.ts';

/*
 * The doctor's room: what would stop mail from here to there, found out without sending any.
 *
 *   const checkup = await examineWay(question, world);   servers: look-ups, greeting, STARTTLS, certificate, login
 *   const findings = await examineSender(seen, world);   us: reverse DNS, SPF, DKIM, DMARC
 *
 * `probe` talks to one host and brings home facts; the `judge-…` files turn facts into findings, and are pure. Each
 * finding has a verdict and says what to do about it. Nothing takes longer than its limit: what is not known by then is
 * `unknown`. Nothing here rejects but for a bug.
 */

export type Verdict = 'ok' | 'warning' | 'failure' | 'unknown';

export type Check =
  | 'way'
  | 'resolver'
  | 'mx'
  | 'host'
  | 'connect'
  | 'greeting'
  | 'starttls'
  | 'certificate'
  | 'auth'
  | 'login'
  | 'session'
  | 'mta-sts'
  | 'tlsa'
  | 'sender'
  | 'address'
  | 'reverse'
  | 'ehlo'
  | 'spf'
  | 'dkim'
  | 'dmarc';

/** What was found, on one line, and what a person can do about it. */
export interface Finding {
  readonly check: Check;
  readonly verdict: Verdict;
  /** The host, domain or address that it is about. */
  readonly subject?: string;
  readonly text: string;
  /** One sentence. */
  readonly advice?: string;
}

/** The findings where what is a failure for one host is none for the mail, as another one takes it. */
export const soften = (findings: readonly Finding[]): readonly Finding[] =>
  findings.map((finding) => (finding.verdict === 'failure' ? { ...finding, verdict: 'warning' } : finding));

/** The result, or what stands for it when the time is over. */
export async function within<T>(
  limit: { readonly milliseconds: number; sleep(milliseconds: number, signal?: Ending): Promise<void> },
  work: Promise<T>,
  late: () => T,
): Promise<T> {
  const done = new AbortController();
  const over = limit.sleep(limit.milliseconds, done.signal).then(late);
  try {
    return await Promise.race([work, over]);
  } finally {
    done.abort();
  }
}
