import type { Message } from '../message/message.ts';
import type { Outlet } from '../route/table.ts';
import type { World } from '../world.ts';
import type { Authored, Submitter } from './author.ts';
import { reencoder } from './reencode.ts';

/** The letter as each outlet has it from its sender, and in the forms that servers need; each is made once. */
export function forms(delivery: Authored & { readonly submitter: Submitter }, world: World) {
  const { message, envelope, submitter } = delivery;
  const byAuthor = new Map<string, Promise<Authored>>();
  const reencoders = new Map<Message, ReturnType<typeof reencoder>>();
  return {
    async letterFor({ settings: { from, fromMode } }: Outlet): Promise<Authored> {
      // As nearly all mail.
      if (from === undefined) return { message, envelope };
      const key = `${fromMode} ${from}`;
      const { authored } = await import('./author.ts');
      const made = byAuthor.get(key) ?? authored({ message, envelope }, { from, fromMode }, submitter);
      byAuthor.set(key, made);
      return made;
    },
    reencode: ((form, how) => {
      const made = reencoders.get(form) ?? reencoder(world);
      reencoders.set(form, made);
      return made(form, how);
    }) satisfies ReturnType<typeof reencoder>,
  };
}
