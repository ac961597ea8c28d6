import type { Delivery } from '../delivery/deliver.ts';
import type { OwnNames } from '../dns/own.ts';
import { type Identity, identify } from './identity.ts';
import { findLogin } from './login.ts';
import { readMaterial, readRelay, readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/** The options that say which way mail goes. */
export type WayOptions = Pick<
  SendOptions,
  'config' | 'account' | 'port' | 'maxSize' | 'tls' | 'relay' | 'auth' | 'passwordFile' | 'passwordCommand'
>;

/** All that a delivery needs but its message. */
export interface FoundMeans {
  readonly identity: Identity;
  readonly parts: Omit<Delivery, 'message' | 'envelope'>;
}

/** Finds what the options name. @throws {CommandError} @throws {SecretError} */
export async function readMeans(options: WayOptions, around: Surroundings): Promise<FoundMeans> {
  const settings = await readSettings(options, around);
  const relay = readRelay(options.relay);
  const material = await readMaterial(settings, around);
  const login = await findLogin({ options, settings, relay }, around);
  const identity = identify(settings, around.surface);
  const { fqdn } = identity;
  return {
    identity,
    parts: {
      settings,
      material,
      // Only an MX can be ourselves; to list the interfaces takes a millisecond.
      ...(relay === undefined ? { own: ownNames(fqdn, around) } : { relay }),
      ...(login === undefined ? {} : { login }),
      ...(fqdn === undefined ? {} : { helloName: fqdn }),
    },
  };
}

const ownNames = (fqdn: string | undefined, around: Surroundings): OwnNames => ({
  addresses: around.ownAddresses(),
  ...(fqdn === undefined ? {} : { hostname: fqdn }),
});
