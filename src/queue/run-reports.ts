import { composeDigest } from '../bounce/digest.ts';
import { DEFAULT_GUARD, dueDigests, type GuardLimits, guard, nextDigestAt, type Storm } from '../bounce/guard.ts';
import { composeReport, type Report } from '../bounce/report.ts';
import type { ReportRequest } from '../bounce/request.ts';
import { type Address, formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Message } from '../message/message.ts';
import type { QueueEvent } from './event.ts';
import type { StormFile } from './run-storms.ts';
import type { Spool } from './spool.ts';
import { SpoolError } from './spool-error.ts';

/*
 * Reports are made and queued here, as messages like any other, and go the way of the message that they are about. The
 * storm guard looks at failures alone: warnings come once for a message, and confirmations were asked for.
 */

/** How reports are made. */
export interface ReportSettings {
  readonly fqdn: string;
  /** Minutes east of UTC at a time. */
  zone(now: number): number;
  /** Where a bounce that fails goes, once. */
  readonly postmaster?: Address;
  /** Who reads what is for these, where aliases lead. */
  readonly readersOf?: (recipients: readonly Recipient[]) => readonly Recipient[];
  /** Octets of an original that is returned whole. */
  readonly returnLimit?: number;
  /** Bounces of one kind to one address in an hour, after which they are gathered; 0 is no limit. Default 10. */
  readonly digest?: number;
}

export interface ReportingOptions extends ReportSettings {
  readonly spool: Pick<Spool, 'accept' | 'message'>;
  readonly storms: StormFile;
  now(): number;
  random(): number;
  /** Is told of each report's own entry. */
  onQueued(entry: QueueEntry): void;
}

export interface Told {
  readonly events: readonly QueueEvent[];
  /** A failure was to be told, and there was nobody. */
  readonly isUntold: boolean;
}

export interface Reporting {
  /** Queues the reports, durably. `retryUntil` is when what is delayed is given up. */
  tell(requests: readonly ReportRequest[], about: { entry: QueueEntry; retryUntil: number }): Promise<Told>;
  /** Queues what storms left to tell; gives the time of the next digest. */
  tellStorms(): Promise<{ readonly events: readonly QueueEvent[]; readonly next?: number }>;
}

export function openReporting(options: ReportingOptions): Reporting {
  const { spool, storms, fqdn, postmaster } = options;
  const limits: GuardLimits = { ...DEFAULT_GUARD, count: options.digest ?? DEFAULT_GUARD.count };
  const random = (): number => options.random();
  const frame = () => {
    const now = options.now();
    const frame = { now, zone: options.zone(now), random, fqdn };
    return postmaster === undefined ? frame : { ...frame, postmaster };
  };

  async function queue(report: Report, { way, uid }: Pick<QueueEntry, 'way' | 'uid'>): Promise<QueueEntry> {
    const now = options.now();
    const { recipients: named, ...envelope } = report.envelope;
    const readers = options.readersOf?.(named) ?? named;
    // A name whose aliases lead nowhere is still somebody to try.
    const recipients = readers.length === 0 ? named : readers;
    const pending = { state: 'pending', attempts: 0, nextAttempt: now, history: [] } as const;
    const entry = await spool.accept(report.message, {
      ...{ queued: now, envelope, way, uid, report: report.report },
      recipients: recipients.map((recipient) => ({ recipient, ...pending })),
    });
    options.onQueued(entry);
    return entry;
  }

  async function tellOne(request: ReportRequest, about: { entry: QueueEntry; retryUntil: number }): Promise<Told> {
    const { entry, retryUntil } = about;
    const decided = request.kind === 'failed' ? await judge(request, entry) : { decision: 'send' as const };
    const recipients = request.recipients.map(({ recipient }) => formatAddress(recipient.address));
    const to = addressee(request.to === 'postmaster' ? postmaster : entry.envelope.sender);
    const event = { time: options.now(), id: entry.id, to, recipients };
    if (decided.decision === 'count') return { events: [{ event: 'counted', ...event }], isUntold: false };
    const report =
      decided.decision === 'digest'
        ? composeDigest(decided.storm, frame())
        : await compose(request, { entry, retryUntil });
    if (report === undefined) return { events: [], isUntold: request.kind === 'failed' };
    const queued = await queue(report, entry);
    return { events: [{ event: EVENTS[request.kind], ...event, report: queued.id }], isUntold: false };
  }

  async function judge(request: ReportRequest, entry: QueueEntry) {
    const decided = await storms.change(entry, (state) => {
      const { state: next, decision, storm } = guard(state, { entry, request }, { now: options.now(), limits });
      return { state: next, given: { decision, storm } };
    });
    const { decision = 'send', storm } = decided ?? {};
    if (decision === 'digest' && storm !== undefined) return { decision, storm } as const;
    return { decision: decision === 'count' ? 'count' : 'send' } as const;
  }

  async function compose(request: ReportRequest, about: { entry: QueueEntry; retryUntil: number }) {
    const { returnLimit } = options;
    const message = await original(about.entry);
    try {
      return await composeReport(request, {
        ...about,
        ...frame(),
        ...(message === undefined ? {} : { message }),
        ...(returnLimit === undefined ? {} : { returnLimit }),
      });
    } finally {
      message?.body.close?.();
    }
  }

  /** A report without its original is better than none. */
  async function original(entry: QueueEntry): Promise<Message | undefined> {
    try {
      return await spool.message(entry);
    } catch (error) {
      if (error instanceof SpoolError) return undefined;
      throw error;
    }
  }

  return {
    async tell(requests, about) {
      const events: QueueEvent[] = [];
      let isUntold = false;
      for (const request of requests) {
        const told = await tellOne(request, about);
        events.push(...told.events);
        isUntold ||= told.isUntold;
      }
      return { events, isUntold };
    },
    async tellStorms() {
      const events: QueueEvent[] = [];
      const tellStorm = async (storm: Storm, origin: Pick<QueueEntry, 'way' | 'uid'>): Promise<void> => {
        const report = composeDigest(storm, frame());
        if (report === undefined) return;
        const queued = await queue(report, origin);
        const recipients = storm.recipients.map(({ recipient }) => formatAddress(recipient.address));
        const to = addressee(storm.to === 'postmaster' ? postmaster : storm.sender);
        events.push({
          event: 'bounced',
          time: options.now(),
          id: storm.ids.at(-1) ?? '',
          to,
          recipients,
          report: queued.id,
        });
      };
      const next = await storms.settle(async (state, origin) => {
        const due = dueDigests(state, { now: options.now(), limits });
        for (const storm of due.digests) await tellStorm(storm, origin);
        return due.state;
      });
      const at = next === undefined ? undefined : nextDigestAt(next, limits);
      return at === undefined ? { events } : { events, next: at };
    },
  };
}

const EVENTS = { failed: 'bounced', delayed: 'warned', relayed: 'reported', delivered: 'reported' } as const;

const addressee = (address: Address | null | undefined): string =>
  address === null || address === undefined ? '' : formatAddress(address);
