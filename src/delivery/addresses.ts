import type { NetworkSettings } from '../config/settings.ts';
import { orderFamilies } from '../dns/families.ts';
import type { Ending } from '../mail/ending.ts';
import type { Failure } from '../mail/result.ts';
import type { Host, Route } from '../route/route.ts';
import { INTERRUPTED } from './failures.ts';
import type { SessionPlan } from './session.ts';

/* Which hosts and addresses of a route are tried, in what order, and from where. */

/** The host and address that a greylisting server knows us at. */
export interface Preferred {
  readonly host: string;
  readonly address?: string;
}

/** The route with the host wanted at its front. */
export function inFavour(route: Route, prefer: Preferred | undefined): Route {
  const wanted = route.hosts.filter((host) => host.name === prefer?.host);
  if (wanted.length === 0) return route;
  return { ...route, hosts: [...wanted, ...route.hosts.filter((host) => host.name !== prefer?.host)] };
}

export type FindAddresses = (host: Host) => Promise<readonly string[] | Failure>;

export interface Finding {
  readonly network: NetworkSettings;
  readonly prefer: Preferred | undefined;
  readonly signal: Ending | undefined;
}

/** Finds the addresses of a host in the order to try them. A relay's name is left to the proxy where there is one. */
export function finderFor(route: Route, look: FindAddresses, { network, prefer, signal }: Finding): FindAddresses {
  if (network.proxy !== undefined && route.via === 'relay') return async ({ name }) => [name];
  return async (host) => {
    const found = (await unlessInterrupted(look(host), signal)) ?? INTERRUPTED;
    if ('scope' in found) return found;
    const usable = orderFamilies(found, network.ip);
    if (usable.length === 0) return noneOf(network.ip);
    const wanted = prefer?.address;
    if (wanted === undefined || !usable.includes(wanted)) return usable;
    return [wanted, ...usable.filter((address) => address !== wanted)];
  };
}

const noneOf = (ip: NetworkSettings['ip']): Failure => ({
  scope: 'host',
  permanent: false,
  stage: 'resolve',
  status: '4.4.4',
  text: `it has no IPv${ip} address, and the configuration allows no other`,
});

/** Where from, and through what, its sessions are opened. A socket of this host is opened as it is. */
export function networkOf({ source, proxy }: NetworkSettings, route: Route): Pick<SessionPlan, 'network'> {
  const isSocket = route.hosts[0]?.name.startsWith('/') === true;
  if (isSocket || (source.length === 0 && proxy === undefined)) return {};
  return {
    network: {
      ...(source.length === 0 ? {} : { source }),
      ...(proxy === undefined ? {} : { proxy: { ...proxy, remoteNames: route.via === 'relay' } }),
    },
  };
}

/** What a look-up found; undefined as soon as the process is told to end, since name servers may be silent for minutes. */
export function unlessInterrupted<T>(lookup: Promise<T>, signal: Ending | undefined): Promise<T | undefined> {
  if (signal === undefined) return lookup;
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(undefined);
    signal.addEventListener('abort', leave);
    lookup.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
