import { isAbsolute, resolve } from 'node:path';
import type { Way } from '../mail/entry.ts';
import { type FindMeans, MISCONFIGURED } from '../queue/run-means.ts';
import { isMechanism } from '../smtp/sasl/names.ts';
import { EXIT } from './exit.ts';
import { readMeans, type WayOptions } from './means.ts';
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
  const { config, account, relay, auth, passwordFile, passwordCommand, port } = options;
  const { level, ca, cert, key, fingerprints } = options.tls;
  const file = passwordFile ?? (passwordCommand === undefined ? namedByVariable(around) : undefined);
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
    ...(relay === undefined
      ? {}
      : { relay: relay.replace(/^(lmtp\+unix:)(?!\/)(.+)/, (_, scheme, name) => scheme + path(name)) }),
    ...(relay === undefined || auth === undefined ? {} : { auth }),
    ...(relay === undefined || file === undefined ? {} : { passwordFile: path(file) }),
    ...(relay === undefined || passwordCommand === undefined ? {} : { passwordCommand }),
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
      const { parts } = await readMeans(optionsOf(way), forWay(way, around));
      return { ...parts, world: around.openWorld(parts.settings) };
    } catch (error) {
      const { text, exit } = explain(error);
      if (exit === EXIT.software) throw error;
      return { scope: 'destination', permanent: false, stage: 'resolve', status: MISCONFIGURED, text };
    }
  };

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
    findSecret: async (request) =>
      request.passwordFile === undefined && request.passwordCommand === undefined
        ? undefined
        : around.findSecret(request),
  };
}
