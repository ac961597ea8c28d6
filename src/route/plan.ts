import type { Relay } from '../config/relay.ts';
import { type LocalTarget, nameOfVia } from '../config/via.ts';
import type { Address } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { type Outlet, type RouteTable, type Rule, ruleFor } from './table.ts';

/**
 * Recipients to destinations to hosts, in four steps: `planRoutes` finds the rule of each recipient; `planOutlet` groups
 * those of a rule by where their mail goes, without asking anyone; `resolveRoute` finds the hosts of one destination;
 * `addressesOf` finds the addresses of one host when its turn has come. A destination that can't be resolved fails for
 * itself alone: the others go on.
 */
export type Destination =
  | { readonly via: 'mx'; readonly domain: string }
  /** An address literal with its brackets. */
  | { readonly via: 'address'; readonly literal: string }
  | { readonly via: 'relay'; readonly relay: Relay }
  | { readonly via: 'local'; readonly target: LocalTarget };

/** The recipients that go the same way, in their order. */
export interface Plan {
  readonly rule: Rule;
  readonly outlet: Outlet;
  readonly destination: Destination;
  readonly recipients: readonly Recipient[];
}

export interface Author {
  readonly sender: Address | null;
  readonly author?: Address | undefined;
  readonly uid: number;
}

/** Groups by rule and by the destination of its first outlet, in the order of their first recipients. */
export function planRoutes(recipients: readonly Recipient[], table: RouteTable, from: Author): readonly Plan[] {
  const groups = new Map<Rule, Recipient[]>();
  for (const recipient of recipients) {
    const rule = ruleFor(table, { recipient, ...from });
    const group = groups.get(rule);
    if (group === undefined) groups.set(rule, [recipient]);
    else group.push(recipient);
  }
  return [...groups].flatMap(([rule, group]) => planOutlet({ rule, outlet: rule.outlets[0] }, group));
}

/** Groups by destination those who go through one outlet. */
export function planOutlet(
  { rule, outlet }: Pick<Plan, 'rule' | 'outlet'>,
  recipients: readonly Recipient[],
): readonly Plan[] {
  if (recipients.length === 0) return [];
  const { via } = outlet;
  if (via.kind === 'relay') {
    return [{ rule, outlet, destination: { via: 'relay', relay: via.relay }, recipients }];
  }
  if (via.kind !== 'mx') return [{ rule, outlet, destination: { via: 'local', target: via }, recipients }];
  const groups = new Map<string, Recipient[]>();
  for (const recipient of recipients) {
    const domain = recipient.address.domain.toLowerCase().replace(/\.$/, '');
    const group = groups.get(domain);
    if (group === undefined) groups.set(domain, [recipient]);
    else group.push(recipient);
  }
  return [...groups].map(([domain, group]) => ({
    rule,
    outlet,
    destination: destinationOf(domain),
    recipients: group,
  }));
}

const destinationOf = (domain: string): Destination =>
  domain.startsWith('[') ? { via: 'address', literal: domain } : { via: 'mx', domain };

/** What a destination is called in messages: its domain, literal, URL without credentials, or place. */
export function nameOf(destination: Destination): string {
  switch (destination.via) {
    case 'mx':
      return destination.domain;
    case 'address':
      return destination.literal;
    case 'relay':
      return destination.relay.display;
    case 'local':
      return nameOfVia(destination.target);
  }
}
