import { isAbsolute, resolve } from 'node:path';
import { absoluteVia } from '../config/via.ts';
import type { Delivery } from '../delivery/deliver.ts';
import { MISCONFIGURED } from '../delivery/failures.ts';
import type { Way } from '../mail/entry.ts';
import { isMechanism } from '../mail/mechanism.ts';
import type { Failure } from '../mail/result.ts';
import type { FindMeans } from '../queue/run-means.ts';
import { EXIT } from './exit.ts';
import { type FoundMeans, readMeans, type WayOptions } from './means.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import type { SendOptions } from './values.ts';

/*
 * How a message is to go, written into its entry and found again by a runner that knows nothing of who sent it: other
 * folder, other environment, perhaps another day. So paths are absolute, and of a password only the place is kept.
 */

/** What the options say of the way; nothing in it is secret. */
export function wayOf(options: SendOptions, around: Pick<Surroundings, 'cwd' | 'env'>): Way {
  const path = (file: string): string => (isAbsolute(file) ? file : resolve(around.cwd(), file));
  const { account, relay, from, hostname, auth, passwordFile, passwordCommand, port } = options;
  const config = options.config ?? (around.env.POSTHASTE_CONFIG || undefined);
  const { level, ca, cert, key, fingerprints } = options.tls;
  const file =
    passwordFile ?? (passwordCommand === undefined && relay !== undefined ? namedByVariable(around) : undefined);
  const tls = {
    ...(level === undefined ? {} : { level }),
    ...(ca === undefined ? {} : { ca: ca === 'system' || ca === 'node' ? ca : path(ca) }),
    ...(cert === undefined ? {} : { cert: path(cert) }),
    ...(key === undefined ? {} : { key: path(key) }),
    ...(fingerprints.length === 0 ? {} : { fingerprints }),
  };
  return {
    ...(config === undefined ? {} : { config: path(config) }),
    ...(account === undefined ? {} : { account }),
    ...(from === undefined ? {} : { from }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(relay === undefined ? {} : { relay: absoluteVia(relay, path) }),
    ...(auth === undefined ? {} : { auth }),
    ...(file === undefined ? {} : { passwordFile: path(file) }),
    ...(passwordCommand === undefined ? {} : { passwordCommand }),
    ...(port === undefined ? {} : { port }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

/** A file that a variable names is found again; a password that is in one is not. */
const namedByVariable = ({ env }: Pick<Surroundings, 'env'>): string | undefined =>
  env.POSTHASTE_PASSWORD === undefined ? env.POSTHASTE_PASSWORD_FILE || undefined : undefined;

/** Whose relay the password in the environment of a runner is, so that no other one is shown it. */
export const PASSWORD_RELAY = 'POSTHASTE_PASSWORD_RELAY';

/** Finds the means for the ways of entries; what can't be found now is a failure that passes. */
export const meansFinder =
  (around: Surroundings): FindMeans =>
  async (way) => {
    try {
      const { settings, table, submitterOf, open } = await readMeans(optionsOf(way), forWay(way, around));
      return { settings, table, submitterOf, open: orFailure(open), world: around.openWorld(settings) };
    } catch (error) {
      return misconfigured(error);
    }
  };

/** What can't be had now is a failure that passes. */
export const orFailure =
  (open: FoundMeans['open']): Delivery['open'] =>
  (outlet) =>
    open(outlet).catch(misconfigured);

function misconfigured(error: unknown): Failure {
  const { text, exit } = explain(error);
  if (exit === EXIT.software) throw error;
  return { scope: 'destination', permanent: false, stage: 'resolve', status: MISCONFIGURED, text };
}

function optionsOf(way: Way): WayOptions {
  const { auth, tls, ...rest } = way;
  return {
    ...rest,
    ...(auth !== undefined && isMechanism(auth) ? { auth } : {}),
    tls: { ...tls, fingerprints: tls?.fingerprints ?? [] },
  };
}

function forWay(way: Way, around: Surroundings): Surroundings {
  const owner = around.env[PASSWORD_RELAY];
  if (owner === undefined || owner === way.relay) return around;
  return {
    ...around,
    findSecret: (request) => around.findSecret({ ...request, ownOnly: true }),
  };
}
