import { isPermanent, type Reply } from '../mail/reply.ts';
import type { Failure, Stage } from '../mail/result.ts';
import type { WireError, WireTrouble } from './dialogue.ts';
import { STAGES } from './stages.ts';

/*
 * What a reply or a broken wire means: for whom, and for how long. It never decides what to do about it (that is
 * `delivery/decide`). The basic code decides between transient and permanent; the enhanced status is kept where it
 * agrees with it (the parser drops one that does not). The exceptions are the rows of `rules`, first match wins.
 */

interface Rule {
  readonly stages?: readonly Stage[];
  readonly codes?: readonly number[];
  /** Enhanced statuses to which the rule does not apply. */
  readonly unless?: RegExp;
  readonly verdict: Partial<Pick<Failure, 'scope' | 'permanent' | 'status' | 'advice'>>;
}

/** Made when something goes wrong, which is seldom. */
const rules = (): readonly Rule[] => [
  // RFC 5321, section 3.8: the service is closing the channel, whatever the command was.
  { codes: [421], verdict: { scope: 'host', permanent: false, status: '4.3.2' } },
  // RFC 5321, section 3.1: a host that takes no mail now; it says nothing about the recipient.
  { stages: ['greeting'], verdict: { scope: 'host', permanent: false, status: '4.3.2' } },
  { stages: ['ehlo'], verdict: { scope: 'host' } },
  // A refusal of TLS is never the message's fault, and an attacker could have forged it.
  { stages: ['starttls', 'tls'], verdict: { scope: 'host', permanent: false, status: '4.7.0' } },
  { stages: ['auth'], verdict: { scope: 'host' } },
  // RFC 4954, section 6: the relay wants a login; no other recipient would fare better.
  {
    stages: ['mail', 'rcpt', 'data'],
    codes: [530],
    verdict: { scope: 'host', advice: 'The server wants a login: give a relay with a user and a password' },
  },
  // RFC 5321, section 4.5.3.1.10: 552 on RCPT is the old way to say 452, unless it says that the mailbox is full.
  { stages: ['rcpt'], codes: [552], unless: /^5\.2\./, verdict: { permanent: false, status: '4.5.3' } },
  { stages: ['rcpt'], codes: [452], verdict: { status: '4.5.3' } },
  { stages: ['mail', 'data', 'dot'], codes: [552], verdict: { status: '5.3.4' } },
  { stages: ['rcpt'], codes: [551], verdict: { status: '5.1.6' } },
];

/** The failure that a refusing reply at a stage stands for. */
export function judge(stage: Stage, reply: Reply): Failure {
  const base: Failure = {
    scope: stage === 'rcpt' ? 'recipient' : 'message',
    permanent: isPermanent(reply),
    stage,
    status: reply.status ?? (isPermanent(reply) ? '5.0.0' : '4.0.0'),
    text: `refused when ${STAGES[stage].words}`,
    reply,
  };
  if (reply.code < 400) return unexpected(stage, reply);
  const rule = rules().find((each) => matches(each, stage, reply));
  if (rule === undefined) return base;
  const verdict = { ...base, ...rule.verdict };
  // The remote's own status is kept unless the rule turned the verdict around.
  return reply.status !== undefined && verdict.permanent === base.permanent
    ? { ...verdict, status: reply.status }
    : verdict;
}

function matches(rule: Rule, stage: Stage, reply: Reply): boolean {
  return (
    (rule.stages?.includes(stage) ?? true) &&
    (rule.codes?.includes(reply.code) ?? true) &&
    !(reply.status !== undefined && (rule.unless?.test(reply.status) ?? false))
  );
}

/** A reply of a kind that can't be the answer, such as 250 to DATA: the dialogue is out of step. */
export const unexpected = (stage: Stage, reply: Reply): Failure => ({
  scope: 'host',
  permanent: false,
  stage,
  status: '4.5.0',
  text: `unexpected reply when ${STAGES[stage].words}`,
  reply,
});

const TROUBLES: Readonly<Record<WireTrouble, { readonly status: string; readonly words: string }>> = {
  closed: { status: '4.4.2', words: 'connection lost' },
  reset: { status: '4.4.2', words: 'connection reset' },
  timeout: { status: '4.4.2', words: 'timed out' },
  malformed: { status: '4.5.0', words: 'protocol error' },
  unasked: { status: '4.5.0', words: 'protocol error' },
  tls: { status: '4.7.5', words: 'TLS failed' },
  source: { status: '4.3.0', words: 'Cannot read the message' },
};

/** The failure that a broken wire stands for: the host's, transient; the message's where its bytes could not be read. */
export function judgeBroken(error: WireError): Failure {
  if (error.farewell !== undefined) return judge(error.stage, error.farewell);
  const { status, words } = TROUBLES[error.trouble];
  const at = error.trouble === 'source' ? '' : ` when ${STAGES[error.stage].words}`;
  const lost = error.ended ? '; the message may have been delivered' : '';
  return {
    scope: error.trouble === 'source' ? 'message' : 'host',
    permanent: false,
    stage: error.stage,
    status,
    text: `${words}${at}: ${error.message}${lost}`,
    ...(error.ended ? { uncertain: true } : {}),
  };
}
