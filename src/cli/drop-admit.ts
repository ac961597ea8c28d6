import type { Settings } from '../config/settings.ts';
import { type Address, formatAddress } from '../mail/address.ts';
import type { Ending } from '../mail/ending.ts';
import type { Way } from '../mail/entry.ts';
import { prepare } from '../message/prepare.ts';
import { head, section } from '../message/source.ts';
import type { Admitted, DropRules } from '../queue/drop-take.ts';
import { takeIn } from '../queue/drop-take.ts';
import type { EventLog } from '../queue/event-log.ts';
import type { Spool } from '../queue/spool.ts';
import { findMessageId } from './draft.ts';
import { senderIn } from './envelope.ts';
import { expand, localNames } from './expand.ts';
import { identify } from './identity.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What becomes of a message that a user has put into the drop: its header is completed as that of any other, names are
 * completed with the system's domain and aliases, and it goes the system's own way. Who it is from is the user's to say,
 * unless `drop.senders` is `own`.
 */

interface Means {
  readonly settings: Settings;
  readonly log: EventLog;
  readonly signal: Ending;
  /** How mail goes that nobody has said a way for. */
  readonly way: Way;
  /** Of what was told. */
  readonly memory: Map<string, number>;
}

/** Takes in what waits; resolves with the number of messages. @throws {SpoolError} */
export async function takeInFor(spool: Spool, means: Means, around: Surroundings): Promise<number> {
  const { settings, log, signal, memory } = means;
  return takeIn(spool, {
    world: around.openWorld(settings),
    fsync: settings.spool.fsync,
    signal,
    memory,
    ...(settings.sendmail.repeatWindow === 0
      ? {}
      : { gatherer: (await import('./gather.ts')).gathering(spool, settings, around) }),
    rules: dropRules(means, around),
    log: (event) => log.write(event),
  });
}

function dropRules({ settings, log, way }: Means, around: Surroundings): DropRules {
  const identity = identify(settings, around.surface);
  const { domain } = identity;
  const isHere = localNames(identity, around);
  const { messageSize } = settings.limits;
  const asksForSender = [...settings.routes, ...Object.values(settings.accounts)].some(
    ({ senders }) => senders.length > 0,
  );
  return {
    domain,
    messages: settings.drop.messages,
    size: Math.min(settings.drop.size, messageSize === 0 ? Number.POSITIVE_INFINITY : messageSize),
    async admit({ head: asked, source, uid }): Promise<Admitted> {
      const now = around.now();
      const login = around.userNameOf(uid) ?? `uid${uid}`;
      const isOwn = ({ local, domain: there }: Address): boolean =>
        local === login && (there === domain || isHere(there));
      const isFree = settings.drop.senders === 'any' || asked.sender === null || isOwn(asked.sender);
      const sender = isFree ? asked.sender : { local: login, domain };
      const completion = {
        ...{ now, domain, sender, fqdn: identity.fqdn ?? domain },
        zone: around.zone(now),
        random: () => around.random(),
      };
      const prepared = await prepare(source, completion, { head, section });
      const { recipients } = expand(
        { recipients: asked.recipients, settings, identity, aliases: asked.aliases },
        around,
      );
      // Whom no alias leads to is tried as he stands, so that it comes back to the sender.
      const all = recipients.length > 0 ? recipients : asked.recipients.map(({ unqualified: _, ...each }) => each);
      const messageId = findMessageId(prepared);
      const known = messageId === undefined ? {} : { messageId };
      const pending = { state: 'pending', attempts: 0, nextAttempt: now, history: [] } as const;
      const envelope = { ...asked.envelope, sender };
      const author = asksForSender ? senderIn(prepared.fields, domain) : undefined;
      const said = {
        ...way,
        ...(asked.isNamed && isFree ? { named: true as const } : {}),
        ...(author === undefined ? {} : { author }),
      };
      return {
        message: prepared.message,
        draft: {
          ...{ queued: now, envelope, way: said, uid, ...known },
          recipients: all.map((recipient) => ({ recipient, ...pending })),
        },
        accepted: (id, { facts }) =>
          log.write({
            ...{ event: 'accepted', time: now, id, uid, size: facts.size, ...known },
            sender: sender === null ? '' : formatAddress(sender),
            recipients: all.map(({ address }) => formatAddress(address)),
          }),
      };
    },
  };
}
