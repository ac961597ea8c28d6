import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';
import { startDns, type Zones } from '../support/dns-server.ts';
import { GREYLISTED, type MxOptions, type MxServer, REFUSED, startMx } from '../support/mx-server.ts';

/** A small internet on loopback: a name server, and mail servers that share a port, each on an address of its own. */
export interface DemoWorld {
  readonly dnsPort: number;
  readonly mxPort: number;
  readonly servers: readonly MxServer[];
  close(): Promise<void>;
}

const ZONES: Zones = {
  'example.org': { MX: ['10 mx.example.org'] },
  'mx.example.org': { A: ['127.0.0.2'] },
  'grey.example': { MX: ['10 mx.grey.example'] },
  'mx.grey.example': { A: ['127.0.0.3'] },
  'nomail.example': { MX: ['0 .'] },
  'backup.example': { MX: ['10 mx1.backup.example', '20 mx2.backup.example'] },
  // Nobody listens there.
  'mx1.backup.example': { A: ['127.0.0.4'] },
  'mx2.backup.example': { A: ['127.0.0.5'] },
};

const MX_HOSTS: readonly MxOptions[] = [
  {
    host: '127.0.0.2',
    name: 'mx.example.org',
    tls: { cert: TEST_CERTIFICATE, key: TEST_KEY },
    recipients: { 'nobody@example.org': REFUSED },
  },
  { host: '127.0.0.3', name: 'mx.grey.example', recipients: { 'bob@grey.example': GREYLISTED } },
  { host: '127.0.0.5', name: 'mx2.backup.example' },
];

// A port that is free on one address is hardly ever taken on another.
const TRIES = 10;

/** Starts all servers on one port; undefined where that port is taken on one of the addresses. */
async function startServers(): Promise<readonly MxServer[] | undefined> {
  const started: MxServer[] = [];
  try {
    for (const options of MX_HOSTS) started.push(await startMx({ ...options, port: started[0]?.port ?? 0 }));
    return started;
  } catch (error) {
    for (const server of started) await server.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

export async function startWorld(): Promise<DemoWorld> {
  let servers: readonly MxServer[] | undefined;
  for (let tries = 0; servers === undefined && tries < TRIES; tries += 1) servers = await startServers();
  if (servers?.[0] === undefined) throw new Error('Cannot start mail servers: no port is free on all addresses');
  const dns = await startDns(ZONES);
  return {
    dnsPort: dns.port,
    mxPort: servers[0].port,
    servers,
    async close() {
      await dns.close();
      for (const server of servers) await server.close();
    },
  };
}
