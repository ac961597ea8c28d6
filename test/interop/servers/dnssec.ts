/**
 * DNS as a mail client finds it where DNSSEC is used: BIND serves zones, signed or not, below `test`, whose key Unbound
 * trusts; Unbound looks names up in them, and sets the AD bit of what it could validate.
 *
 *   const dns = await startDnssec([
 *     { name: 'test', trust: 'signed', records: [] },
 *     { name: 'good.test', trust: 'signed', records: ['@ MX 10 mx', 'mx A 127.0.0.1'] },
 *   ]);
 *   … 127.0.0.1:dns.port …
 *   await dns.stop();
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../support/run.ts';
import { freePort, makePlace, type Place, startServer, writeIn } from './chroot.ts';

/** As in setup-dnssec.sh. */
const ROOT = '/var/cache/posthaste-dnssec/root';

export interface Zone {
  /** Without a final dot. The others are below `test`. */
  readonly name: string;
  /**
   * `signed`: the zone above has its DS. `unsigned`: it has none. `bogus`: signed, and the DS is that of another key.
   * `refused`: its name server refuses to answer.
   */
  readonly trust: 'signed' | 'unsigned' | 'bogus' | 'refused';
  /** Lines of a zone file, with names that are relative to the zone. */
  readonly records: readonly string[];
}

export interface Dnssec {
  /** Of Unbound, on 127.0.0.1. */
  readonly port: number;
  /** The same on port 53 of an address of loopback, for programs that know no other port. */
  readonly address: string;
  /** Of BIND, on 127.0.0.1, which validates nothing and sets no AD bit. */
  readonly authority: number;
  log(): string;
  stop(): Promise<void>;
}

const NO_KEY_DS = `12345 13 2 ${'0'.repeat(64)}`;

export async function startDnssec(zones: readonly Zone[]): Promise<Dnssec> {
  const place = makePlace('named', ROOT);
  const keys = new Map<string, Key>();
  const isSigned = ({ trust }: Zone): boolean => trust === 'signed' || trust === 'bogus';
  for (const { name } of zones.filter(isSigned)) keys.set(name, await makeKey(place, name));
  writeIn(place, Object.fromEntries(zones.map((zone) => [zone.name, zoneFile(zone, zones, keys)])));
  for (const { name } of zones.filter(isSigned)) {
    const words = ['-z', '-P', '-S', '-K', place.inside, '-o', name, '-f', `${place.inside}/${name}.signed`];
    await call(['/usr/bin/dnssec-signzone', ...words, `${place.inside}/${name}`]);
  }
  const port = await freePort();
  const served = zones.map((zone) => {
    const refusal = zone.trust === 'refused' ? ' allow-query { none; };' : '';
    return `zone "${zone.name}" { type primary; file "${zone.name}${isSigned(zone) ? '.signed' : ''}";${refusal} };`;
  });
  writeIn(place, {
    'named.conf': `
options {
  directory "${place.inside}"; pid-file none; session-keyfile none; managed-keys-directory "${place.inside}";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; notify no; dnssec-validation no; empty-zones-enable no; minimal-responses yes;
};
controls { };
${served.join('\n')}
`,
  });
  const bind = await startServer({
    place,
    words: ['/usr/sbin/named', '-g', '-n', '1', '-c', `${place.inside}/named.conf`],
    ports: [port],
  });
  try {
    const unbound = await startUnbound(zones, port, keys.get('test')?.dnskey ?? '');
    return {
      ...{ port: unbound.port, address: unbound.address, authority: port },
      log: () => `${bind.log()}${unbound.log()}`,
      async stop() {
        await unbound.stop();
        await bind.stop();
      },
    };
  } catch (error) {
    await bind.stop();
    throw error;
  }
}

async function startUnbound(
  zones: readonly Zone[],
  authority: number,
  anchor: string,
): Promise<Omit<Dnssec, 'authority'>> {
  const place = makePlace('unbound', ROOT);
  const port = await freePort();
  // One that nobody else has, nor another run of this.
  const address = `127.53.${port >> 8}.${port & 255}`;
  writeIn(place, {
    anchor: `${anchor}\n`,
    'unbound.conf': `
server:
  interface: 127.0.0.1@${port}
  interface: ${address}@53
  port: ${port}
  username: ""
  chroot: ""
  directory: "${place.inside}"
  pidfile: ""
  use-syslog: no
  log-queries: yes
  val-log-level: 2
  do-ip6: no
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "${place.inside}/anchor"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "test." nodefault
  qname-minimisation: no
remote-control:
  control-enable: no
${zones.map(({ name }) => `stub-zone:\n  name: "${name}."\n  stub-addr: 127.0.0.1@${authority}`).join('\n')}
`,
  });
  const words = ['/usr/sbin/unbound', '-d', '-c', `${place.inside}/unbound.conf`];
  return { port, address, ...(await startServer({ place, words, ports: [port] })) };
}

interface Key {
  /** The record, with its owner. */
  readonly dnskey: string;
  /** The data of the record. */
  readonly ds: string;
}

/** One key for the zone and for its keys. */
async function makeKey({ inside, outside }: Place, zone: string): Promise<Key> {
  const words = ['-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', '-K', inside, zone];
  const file = (await call(['/usr/bin/dnssec-keygen', ...words])).trim();
  const ds = await call(['/usr/bin/dnssec-dsfromkey', '-2', `${inside}/${file}.key`]);
  const text = readFileSync(join(outside, `${file}.key`), 'utf8');
  return { dnskey: /^[^;].*$/m.exec(text)?.[0] ?? '', ds: ds.replace(/^.* DS /s, '').trim() };
}

function zoneFile(zone: Zone, zones: readonly Zone[], keys: ReadonlyMap<string, Key>): string {
  const below = zones.filter((other) => parentOf(other, zones) === zone);
  const delegations = below.flatMap(({ name, trust }) => {
    const ds = trust === 'signed' ? keys.get(name)?.ds : trust === 'bogus' ? NO_KEY_DS : undefined;
    return [`${name}. NS ns.test.`, ...(ds === undefined ? [] : [`${name}. DS ${ds}`])];
  });
  const address = zone.name === 'test' ? ['ns A 127.0.0.1'] : [];
  const top = ['$TTL 60', `$ORIGIN ${zone.name}.`, '@ SOA ns.test. admin.test. 1 3600 600 86400 5', '@ NS ns.test.'];
  return `${[...top, ...address, ...delegations, ...zone.records].join('\n')}\n`;
}

/** The zone that delegates another one. */
const parentOf = (zone: Zone, zones: readonly Zone[]): Zone | undefined =>
  zones
    .filter(({ name }) => zone.name.endsWith(`.${name}`))
    .sort((one, other) => other.name.length - one.name.length)[0];

async function call(words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run('chroot', [ROOT, ...words]);
  if (status !== 0) throw new Error(`Cannot make zones: ${words.join(' ')} gave ${status}: ${stderr}`);
  return stdout;
}
