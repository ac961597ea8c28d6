import type { Recipient } from '../mail/envelope.ts';
import type { Relay } from './relay.ts';

/**
 * Recipients to destinations to hosts, in three steps: `planRoutes` groups the recipients by where their mail goes,
 * without asking anyone; `resolveRoute` finds the hosts of one destination; `addressesOf` finds the addresses of one host
 * when its turn has come. A destination that can't be resolved fails for itself alone: the others go on.
 */
export type Destination =
  | { readonly via: 'mx'; readonly domain: string }
  /** An address literal with its brackets. */
  | { readonly via: 'address'; readonly literal: string }
  | { readonly via: 'relay'; readonly relay: Relay };

/** The recipients that go the same way, in their order. */
export interface Plan {
  readonly destination: Destination;
  readonly recipients: readonly Recipient[];
}

export interface PlanSettings {
  /** Takes everything. */
  readonly relay?: Relay;
}

/** Groups by destination; the destinations are in the order of their first recipients. */
export function planRoutes(recipients: readonly Recipient[], { relay }: PlanSettings): readonly Plan[] {
  if (relay !== undefined) return recipients.length === 0 ? [] : [{ destination: { via: 'relay', relay }, recipients }];
  const groups = new Map<string, Recipient[]>();
  for (const recipient of recipients) {
    const domain = recipient.address.domain.toLowerCase().replace(/\.$/, '');
    const group = groups.get(domain);
    if (group === undefined) groups.set(domain, [recipient]);
    else group.push(recipient);
  }
  return [...groups].map(([domain, group]) => ({ destination: destinationOf(domain), recipients: group }));
}

const destinationOf = (domain: string): Destination =>
  domain.startsWith('[') ? { via: 'address', literal: domain } : { via: 'mx', domain };

/** What a destination is called in messages: its domain, literal, or URL without credentials. */
export function nameOf(destination: Destination): string {
  switch (destination.via) {
    case 'mx':
      return destination.domain;
    case 'address':
      return destination.literal;
    case 'relay':
      return destination.relay.display;
  }
}
