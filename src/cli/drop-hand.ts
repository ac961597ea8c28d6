import { ENTRY_VERSION } from '../mail/entry.ts';
import { systemDisk } from '../queue/disk.ts';
import { putIntoDrop } from '../queue/drop-put.ts';
import type { Taker } from '../submit/submit.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { identify } from './identity.ts';
import type { Job } from './send.ts';
import type { Surroundings } from './surroundings.ts';

/* Hands a message over to whoever works the system's spool. Loaded only where there is a drop. */

/** What takes the job's message, and no other, into the drop `folder`. */
export function openDrop(
  { settings, options, named, way }: Pick<Job, 'settings' | 'options' | 'named'> & Partial<Pick<Job, 'way'>>,
  folder: string,
  around: Surroundings,
): Taker {
  const place = { disk: systemDisk, folder, fsync: settings.spool.fsync, now: () => around.now() };
  const most = settings.drop.size;
  const { domain } = identify(settings, around.surface);
  return {
    async accept(message, { messageId, ...draft }) {
      if (message.facts.size > most) {
        throw new CommandError(`Cannot hand message over: it is larger than ${most} octets`, EXIT.data);
      }
      const { sender, ...envelope } = draft.envelope;
      // The system may have another domain than we could find out.
      const isLocalSender = sender?.domain === domain && options.sender?.includes('@') !== true;
      const isNamed = way?.named === true;
      const { aliases, mode, sendmail } = options;
      const gather = sendmail !== undefined && mode !== 'interactive';
      const head = { envelope, sender, isLocalSender, isNamed, recipients: named, aliases, gather };
      const { id, size } = await putIntoDrop(place, head, message);
      return {
        version: ENTRY_VERSION,
        id,
        ...draft,
        message: {
          headerSize: message.header.length,
          digest: '',
          facts: { ...message.facts, size },
          ...(messageId === undefined ? {} : { messageId }),
        },
      };
    },
  };
}
