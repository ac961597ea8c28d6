import type { Stage } from '../mail/result.ts';

/** How long each stage may take, and what it is called in messages. */
interface StageRow {
  /** Seconds for one reply, absolute: dripping bytes do not prolong it (RFC 5321, section 4.5.3.2). */
  readonly seconds: number;
  readonly words: string;
}

export const STAGES: Readonly<Record<Stage, StageRow>> = {
  resolve: { seconds: 30, words: 'looking up the host' },
  // Postfix and Exim wait 30 s; a host that is silent for longer does not answer at all.
  connect: { seconds: 30, words: 'connecting' },
  greeting: { seconds: 300, words: 'waiting for the greeting' },
  ehlo: { seconds: 300, words: 'sending EHLO' },
  starttls: { seconds: 120, words: 'sending STARTTLS' },
  tls: { seconds: 60, words: 'starting TLS' },
  auth: { seconds: 120, words: 'logging in' },
  mail: { seconds: 300, words: 'sending MAIL' },
  rcpt: { seconds: 300, words: 'sending RCPT' },
  data: { seconds: 120, words: 'sending DATA' },
  // For each block written, not for the whole message.
  body: { seconds: 180, words: 'sending the message' },
  dot: { seconds: 600, words: 'sending the end of the message' },
  rset: { seconds: 20, words: 'sending RSET' },
  // Only waited for where its reply proves the replies before it.
  quit: { seconds: 2, words: 'sending QUIT' },
};

/** Milliseconds for a stage, the configuration's own limit first. */
export const stageLimit = (stage: Stage, timeouts: Partial<Readonly<Record<Stage, number>>>): number =>
  (timeouts[stage] ?? STAGES[stage].seconds) * 1000;
