import { connect } from '../../src/net/connect.ts';
import { ConnectError, type Connection } from '../../src/net/connection.ts';
import { scratch } from '../../src/submit/scratch.ts';
import type { World } from '../../src/world.ts';
import { type MockZones, mockResolver } from './mock-resolver.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts';

/** A world of its own: a DNS on one screen, and a script for each address, one for each connection to it in turn. */
export interface TestWorld extends World {
  readonly servers: Readonly<Record<string, ScriptedServer>>;
  /** The addresses that were connected to, or tried, in order. */
  readonly tried: readonly string[];
  /** Throws where a client left its script. */
  close(): Promise<void>;
}

export async function testWorld(
  zones: MockZones,
  scripts: Readonly<Record<string, readonly string[]>>,
): Promise<TestWorld> {
  const servers: Record<string, ScriptedServer> = {};
  for (const [address, script] of Object.entries(scripts)) servers[address] = await startScriptedServer(script);
  const tried: string[] = [];
  return {
    servers,
    tried,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => 0.5,
    sleep: async () => {},
    resolver: mockResolver(zones),
    systemLookup: async (host) => Promise.reject(new Error(`ENOTFOUND ${host}`)),
    scratch,
    async connect(target, signal) {
      for (const address of target.addresses) {
        tried.push(address);
        const server = servers[address];
        if (server === undefined) continue;
        const connection = await connect({ ...target, addresses: ['127.0.0.1'], port: server.port }, signal);
        return inPlace(connection, { address, port: target.port });
      }
      throw new ConnectError(
        target,
        target.addresses.map((address) => ({ address, code: 'ECONNREFUSED', reason: 'connection refused' })),
      );
    },
    async close() {
      for (const server of Object.values(servers)) await server.close();
    },
  };
}

/** The connection, as if it were to the address that the script stands for. */
export function inPlace(
  connection: Connection,
  place: { readonly address: string; readonly port: number },
): Connection {
  return {
    get peer() {
      return { ...connection.peer, ...place };
    },
    localAddress: connection.localAddress,
    bindings: () => connection.bindings(),
    chain: () => connection.chain(),
    take: () => connection.take(),
    readable: (milliseconds) => connection.readable(milliseconds),
    write: (chunks) => connection.write(chunks),
    writable: (milliseconds) => connection.writable(milliseconds),
    startTls: (plan, milliseconds) => connection.startTls(plan, milliseconds),
    finish: () => connection.finish(),
    destroy: () => connection.destroy(),
  };
}
