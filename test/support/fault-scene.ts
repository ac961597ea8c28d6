import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import type { Behaviour } from './fault-acts.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';

export const ANN = 'ann@dest.test';
export const SILENT = { status: 0, stdout: '', stderr: '' } as const;

/** The messages that were ended, as they came (Latin-1). */
export const ended = ({ messages }: FaultServer): readonly string[] =>
  messages.filter((message) => message.ended).map(({ bytes }) => bytes.toString('latin1'));

export interface Scene {
  readonly folder: string;
  /** Writes a file; gives its path. */
  file(name: string, content: string | Buffer): string;
  /** A message of so many MiB in lines of 64 octets. */
  largeFile(mebibytes: number): string;
  /** Closed behind the test. */
  serve(behaviour?: Behaviour): Promise<FaultServer>;
}

/** A folder and servers for the tests of a file; registers what clears them away. */
export function openScene(): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-scene-'));
  const servers: FaultServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  return {
    folder,
    file,
    largeFile(mebibytes) {
      const path = file(`large-${mebibytes}`, 'Subject: large\n\n');
      const block = Buffer.alloc(1 << 20, `${'0123456789abcde'.repeat(4)}xyz\n`);
      const descriptor = openSync(path, 'a');
      for (let count = 0; count < mebibytes; count++) writeSync(descriptor, block);
      closeSync(descriptor);
      return path;
    },
    async serve(behaviour = {}) {
      const server = await startFaultServer(behaviour);
      servers.push(server);
      return server;
    },
  };
}
