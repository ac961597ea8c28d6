import type { TlsSettings } from '../config/settings.ts';
import { waivesTls } from '../message/tls-required.ts';
import type { Plan } from '../route/plan.ts';
import type { Route } from '../route/route.ts';
import type { World } from '../world.ts';
import type { Demands } from './demands.ts';
import type { TlsMaterial } from './protect.ts';

/* Whether what a destination publishes about TLS counts for mail to it. */

export interface Heeding extends Pick<Plan, 'outlet' | 'destination'> {
  readonly material: Pick<TlsMaterial, 'ca'>;
  readonly requireTls: boolean;
  /** Of the message, which may waive it; absent: there is none yet. */
  readonly header?: Buffer;
}

/** Where nothing else was said of certificates, or the sender wants TLS on the whole way (RFC 8689). */
const heeds = ({ level, fingerprints }: TlsSettings, requireTls: boolean): boolean =>
  requireTls || ((level === undefined || level === 'encrypt') && fingerprints.length === 0);

/** What the destination publishes; undefined where that does not count. */
export async function demandsOf(
  { outlet: { settings }, destination, material, requireTls, header }: Heeding,
  world: World,
): Promise<Demands | undefined> {
  if (destination.via !== 'mx' || !heeds(settings.tls, requireTls)) return undefined;
  if (!requireTls && header !== undefined && waivesTls(header)) return undefined;
  const { openDemands } = await import('./demands.ts');
  const { network, mx } = settings;
  const { port: mxPort, allowLocal } = mx;
  return openDemands({ domain: destination.domain, mxPort, network, material, allowLocal }, world);
}

/** RFC 8689, section 4.2.1: which hosts are the destination's must be as sure as the hosts themselves. */
export const isSure = async (route: Route, demands: Demands | undefined): Promise<boolean> =>
  route.via !== 'mx' || route.hosts.every((host) => host.authentic) || (await demands?.isEnforced()) === true;
