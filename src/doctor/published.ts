import type { Settings } from '../config/settings.ts';
import type { TlsMaterial } from '../delivery/protect.ts';
import { type FoundPolicy, findStsPolicy } from '../delivery/sts-find.ts';
import { type FoundTlsa, findTlsa } from '../dns/tlsa.ts';
import type { Host, Route } from '../route/route.ts';
import type { World } from '../world.ts';
import type { Finding } from './finding.ts';
import { judgeMtaSts } from './judge-mta-sts.ts';
import { judgeTlsa } from './judge-tlsa.ts';
import type { ShownHost } from './probe.ts';

/* What a domain publishes for the safety of its mail, and whether its servers are as it says. */

export interface Published {
  readonly policy: FoundPolicy;
  readonly tlsa: readonly { readonly name: string; readonly found: FoundTlsa }[];
}

export interface PublishedQuestion {
  readonly route: Route;
  /** Those that are talked to. */
  readonly hosts: readonly Host[];
  readonly settings: Pick<Settings, 'network' | 'mx'>;
  readonly material: TlsMaterial;
}

/** Never rejects but for a bug. */
export async function findPublished(
  { route, hosts, settings, material }: PublishedQuestion,
  world: World,
): Promise<Published> {
  const { network, mx } = settings;
  const [policy, ...tlsa] = await Promise.all([
    findStsPolicy({ domain: route.destination, network, material, allowLocal: mx.allowLocal }, world),
    ...hosts.map(async ({ name }) => ({ name, found: await findTlsa({ name, port: route.port }, world.resolver) })),
  ]);
  return { policy, tlsa };
}

interface Shown {
  readonly route: Route;
  /** All hosts of the route, with what those said that were talked to. */
  readonly shown: readonly (Host & ShownHost)[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function judgePublished({ policy, tlsa }: Published, { route, shown, now }: Shown): readonly Finding[] {
  const { destination: domain, port } = route;
  const judged = tlsa.flatMap(({ name, found }) =>
    shown
      .filter((host) => host.name === name)
      .map((host) => judgeTlsa({ host, port, domain, isAuthentic: host.authentic, now }, found)),
  );
  return [...judgeMtaSts(domain, policy, shown), ...judged];
}
