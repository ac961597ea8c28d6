import { alternate, findAddresses, refusal } from '../dns/addresses.ts';
import { findHosts } from '../dns/mx.ts';
import type { OwnNames } from '../dns/own.ts';
import type { Resolver } from '../dns/resolver.ts';
import { inTime } from '../mail/ending.ts';
import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';
import { addressOctets } from '../net/local-address.ts';
import { type Destination, nameOf } from './plan.ts';
import type { Host, Route } from './route.ts';

export interface RouteSettings {
  /** Of MX hosts and address literals. */
  readonly port: number;
  /** Loopback and the like, and our own addresses, are used, for tests; a relay may always be there. */
  readonly allowLocal: boolean;
  readonly own?: OwnNames;
  /** Milliseconds for one look-up by the system. */
  readonly limit: number;
}

export interface RouteWorld {
  readonly resolver: Resolver;
  /** 0 <= x < 1. */
  random(): number;
  /** The addresses of a relay's name as the system finds them (/etc/hosts); rejects where there are none. */
  systemLookup(host: string): Promise<readonly string[]>;
}

export type ResolvedRoute =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'failure'; readonly failure: Failure };

/** The hosts of a destination. Never rejects. */
export async function resolveRoute(
  destination: Exclude<Destination, { via: 'local' }>,
  settings: RouteSettings,
  world: Pick<RouteWorld, 'resolver' | 'random'>,
): Promise<ResolvedRoute> {
  const base = { destination: nameOf(destination), via: destination.via } as const;
  switch (destination.via) {
    case 'mx': {
      const { own, allowLocal } = settings;
      const options = { random: () => world.random(), ...(own === undefined || allowLocal ? {} : { own }) };
      const found = await findHosts(destination.domain, world.resolver, options);
      if (found.kind === 'failure') return found;
      return { kind: 'route', route: { ...base, protocol: 'smtp', port: settings.port, hosts: found.hosts } };
    }
    case 'address': {
      const address = literalAddress(destination.literal);
      const reason = address === undefined ? undefined : refusal(address, settings);
      if (address === undefined || reason !== undefined) {
        const text =
          address === undefined ? `${quoted(base.destination)} is no address` : `${reason} address ${address}`;
        return failed({ permanent: true, status: '5.1.2', text: `refused: ${text}` });
      }
      return {
        kind: 'route',
        route: { ...base, protocol: 'smtp', port: settings.port, hosts: [onlyHost(address)] },
      };
    }
    case 'relay': {
      const { protocol, port, tls, implicitTls, host } = destination.relay;
      return { kind: 'route', route: { ...base, protocol, port, tls, implicitTls, hosts: [onlyHost(host)] } };
    }
  }
}

/** Finds the addresses of a route's hosts, one host at a time. Never rejects. */
export function addressesOf(
  route: Pick<Route, 'via'>,
  settings: RouteSettings,
  world: RouteWorld,
): (host: Host) => Promise<readonly string[] | Failure> {
  switch (route.via) {
    case 'mx':
      return async ({ name }) => {
        const found = await findAddresses(name, world.resolver, settings);
        return found.kind === 'addresses' ? found.addresses : found.failure;
      };
    case 'address':
      return async ({ name }) => [name];
    case 'relay':
      return ({ name }) => relayAddresses(name, settings, world);
  }
}

/** A relay that can't be found is a matter of the configuration or the network, not of the recipients: deferred. */
async function relayAddresses(
  host: string,
  settings: RouteSettings,
  world: RouteWorld,
): Promise<readonly string[] | Failure> {
  if (host.startsWith('/') || addressOctets(host) !== undefined) return [host];
  // The system's own look-up can't be stopped, only left.
  const found = (await inTime(world.systemLookup(host).catch(reasonOf), settings.limit)) ?? 'timed out';
  if (typeof found !== 'string' && found.length > 0) return inTurn(found);
  const reason = typeof found === 'string' ? found : 'it has no address';
  return {
    scope: 'host',
    permanent: false,
    stage: 'resolve',
    status: '4.4.3',
    text: `looking up relay ${quoted(host)}: ${reason}`,
    host,
    advice: 'Check the name of the relay',
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** The system's order (RFC 6724), with the families in turn, so that a dead one costs one wait. */
function inTurn(addresses: readonly string[]): readonly string[] {
  const isFirstKind = (address: string): boolean => address.includes(':') === addresses[0]?.includes(':');
  return alternate(
    addresses.filter(isFirstKind),
    addresses.filter((address) => !isFirstKind(address)),
  );
}

/** The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321, section 4.1.3); a zone is none of the mail's business. */
function literalAddress(literal: string): string | undefined {
  const [, tag, text = ''] = /^\[(ipv6:)?([^[\]%]{1,60})\]$/i.exec(literal) ?? [];
  if (addressOctets(text) === undefined || text.includes(':') !== (tag !== undefined)) return undefined;
  return text;
}

const onlyHost = (name: string): Host => ({ name, preference: 0, authentic: false });

function failed(facts: Pick<Failure, 'permanent' | 'status' | 'text'>): ResolvedRoute {
  return { kind: 'failure', failure: { scope: 'destination', stage: 'resolve', ...facts } };
}
