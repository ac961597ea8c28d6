import { createResolver, type NetworkResolver, type ResolverOptions } from '../../src/dns/query.ts';
import type { Server } from '../../src/dns/resolv-conf.ts';
import { type DnsServer, type DnsServerOptions, startDns, type Zones } from './dns-server.ts';

const open: (() => unknown)[] = [];

/** Has this done when the test is over. */
export const later = (close: () => unknown): void => void open.push(close);

/** Closes all servers and resolvers of a test. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

/** A name server until the end of the test. */
export async function start(zones: Zones, options?: DnsServerOptions): Promise<DnsServer> {
  const server = await startDns(zones, options);
  later(() => server.close());
  return server;
}

/** A resolver with short time-outs until the end of the test. */
export function resolverOf(servers: readonly Server[], options: Partial<ResolverOptions> = {}): NetworkResolver {
  const resolver = createResolver({
    servers,
    timeout: 500,
    attempts: 1,
    rotate: false,
    trustAd: false,
    useTcp: false,
    limit: 2000,
    now: () => performance.now(),
    ...options,
  });
  later(() => resolver.close());
  return resolver;
}
