import type { Recipient } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import type { Delivered, DeliveryResult, Failure, Peer } from '../mail/result.ts';
import { decide } from './decide.ts';
import { NO_HOST } from './failures.ts';

/** What is known of each recipient during an attempt; every recipient has one result at its end. */
export interface Ledger {
  /** Recipients that have no result yet, in their order. */
  pending(): readonly Recipient[];
  deliver(recipient: Recipient, reply: Reply, where: Pick<Delivered, 'peer' | 'dsn' | 'final'>): void;
  /** Records a failure: final, or the last word so far while hosts are left. */
  fail(recipient: Recipient, failure: Failure, where: { readonly hostsLeft: number; readonly peer?: Peer }): void;
  /** In the order of the recipients; settles those still pending by what was last known of them. */
  results(): readonly DeliveryResult[];
  /** The results of settled recipients that this did not give before. */
  news(): readonly DeliveryResult[];
}

export function openLedger(recipients: readonly Recipient[]): Ledger {
  const settled = new Map<Recipient, DeliveryResult>();
  let told = 0;
  const known = new Map<Recipient, { readonly failure: Failure; readonly peer?: Peer }>();

  return {
    pending: () => recipients.filter((recipient) => !settled.has(recipient)),
    deliver(recipient, reply, where) {
      settled.set(recipient, { outcome: 'delivered', recipient, reply, ...where });
    },
    fail(recipient, failure, { hostsLeft, peer }) {
      const before = known.get(recipient)?.failure;
      // One host that may take it tomorrow is worth more than one that never will.
      const keepBefore = before?.permanent === false && failure.permanent && failure.scope === 'host';
      if (!keepBefore) known.set(recipient, { failure, ...(peer === undefined ? {} : { peer }) });
      const last = known.get(recipient) ?? { failure };
      const decision = decide(last.failure, hostsLeft);
      if (decision !== 'next host') settled.set(recipient, { outcome: decision, recipient, ...last });
    },
    results: () =>
      recipients.map((recipient) => {
        const done = settled.get(recipient);
        if (done !== undefined) return done;
        const last = known.get(recipient) ?? { failure: NO_HOST };
        const result = { outcome: last.failure.permanent ? 'failed' : 'deferred', recipient, ...last } as const;
        settled.set(recipient, result);
        return result;
      }),
    news() {
      if (told === settled.size) return [];
      const news = [...settled.values()].slice(told);
      told = settled.size;
      return news;
    },
  };
}
