import { quoted } from '../mail/printable.ts';
import type { Failure } from '../mail/result.ts';
import type { Host } from '../route/route.ts';
import { isHostName, normalName } from './name.ts';
import { isOwn, type OwnNames } from './own.ts';
import type { RecordData, Resolver } from './resolver.ts';

/**
 * Where a domain's mail goes (RFC 5321, section 5.1): its MX hosts by preference, or the domain itself where it has
 * none. Pure over a Resolver. `findHosts` asks for MX and, as soon as that is there, for the addresses of the best hosts
 * without waiting for them, so that `findAddresses` (in `addresses`) finds them under way; that one is called for a host when its turn
 * has come.
 *
 * What the standards leave open is decided so: an exchange that is an address or no host name is passed over; `.` among
 * others is passed over, and alone, whatever its preference, is a null MX; hosts without an address, or with local
 * addresses only, fail for themselves, and the next is tried. There is no fall-back to the domain's own address where
 * an MX exists. What is not known for sure (time-out, SERVFAIL) is deferred, never failed.
 */
export interface FindHosts {
  /** 0 <= x < 1. */
  random(): number;
  /** Our names and addresses, which as an MX end the search: we are no relay to ourselves. */
  readonly own?: OwnNames;
}

export type FoundHosts =
  | { readonly kind: 'hosts'; readonly hosts: readonly Host[] }
  | { readonly kind: 'failure'; readonly failure: Failure };

// Five addresses are tried in an attempt; more hosts than these are never reached.
const MAX_HOSTS = 20;
// Two greeted sessions are tried in an attempt.
const MAX_AHEAD = 2;

type Mx = RecordData['MX'];

export async function findHosts(domain: string, resolver: Resolver, options: FindHosts): Promise<FoundHosts> {
  const name = normalName(domain);
  const answer = await resolver.resolve(name, 'MX');
  switch (answer.kind) {
    case 'unknown':
      return failed({ permanent: false, status: '4.4.3', text: `looking up MX of ${quoted(name)}: ${answer.text}` });
    case 'nothing':
      if (!answer.exists) {
        const advice = 'Check the spelling of the domain';
        return failed({ permanent: true, status: '5.1.2', text: `domain ${quoted(name)} does not exist`, advice });
      }
      // RFC 5321, section 5.1: the implicit MX.
      return withoutOwn([{ name, preference: 0, authentic: answer.authentic }], name, { resolver, options });
    case 'found': {
      const usable = answer.records.filter(({ exchange }) => isHostName(normalName(exchange)));
      if (usable.length === 0) return failed(noHost(name, answer.records));
      const hosts = inOrder(usable, options.random).map((mx) => ({ ...mx, authentic: answer.authentic }));
      return withoutOwn(hosts, name, { resolver, options });
    }
  }
}

/** Why none of the MX records can be used. */
function noHost(name: string, records: readonly Mx[]): Pick<Failure, 'permanent' | 'status' | 'text'> {
  // RFC 7505, section 4.2.
  return records.every(({ exchange }) => normalName(exchange) === '')
    ? { permanent: true, status: '5.1.10', text: `domain ${quoted(name)} accepts no mail (null MX, 556)` }
    : { permanent: true, status: '5.1.2', text: `no MX of ${quoted(name)} is a host name` };
}

/** By preference, equal ones by chance, each name once. */
function inOrder(records: readonly Mx[], random: () => number): { name: string; preference: number }[] {
  const shuffled = records.map(({ preference, exchange }) => ({
    preference,
    name: normalName(exchange),
    by: random(),
  }));
  shuffled.sort((one, other) => one.preference - other.preference || one.by - other.by);
  const best = new Map<string, { name: string; preference: number }>();
  for (const { name, preference } of shuffled) if (!best.has(name)) best.set(name, { name, preference });
  return [...best.values()].slice(0, MAX_HOSTS);
}

/** Leaves out ourselves and the hosts that are no nearer to the destination (RFC 5321, section 5.1). */
async function withoutOwn(
  hosts: readonly Host[],
  domain: string,
  { resolver, options }: { resolver: Resolver; options: FindHosts },
): Promise<FoundHosts> {
  const { own } = options;
  for (const host of hosts.slice(0, MAX_AHEAD)) {
    void resolver.resolve(host.name, 'A');
    void resolver.resolve(host.name, 'AAAA');
  }
  if (own === undefined) return { kind: 'hosts', hosts };
  const preference = await ownPreference(hosts, own, resolver);
  const nearer = hosts.filter((host) => host.preference < preference);
  if (nearer.length > 0) return { kind: 'hosts', hosts: nearer };
  const advice = 'This host would have to be a mail server: send through a relay (--relay)';
  return failed({
    permanent: true,
    status: '5.4.6',
    text: `mail for ${quoted(domain)} loops back to this host`,
    advice,
  });
}

/**
 * The best preference that is our own. Names are compared for all hosts; addresses for the best ones only, since to
 * wait for those of hosts that are hardly ever tried would cost more than it is worth: `findAddresses` refuses them.
 */
async function ownPreference(hosts: readonly Host[], own: OwnNames, resolver: Resolver): Promise<number> {
  const hostname = own.hostname === undefined ? undefined : normalName(own.hostname);
  const named = hosts.find((host) => host.name === hostname)?.preference ?? Number.POSITIVE_INFINITY;
  const best = hosts[0]?.preference ?? 0;
  if (own.addresses.length === 0 || named <= best) return named;
  const group = hosts.filter((host) => host.preference === best);
  const addresses = await Promise.all(
    group.flatMap((host) => [resolver.resolve(host.name, 'A'), resolver.resolve(host.name, 'AAAA')]),
  );
  const isOurs = addresses.some((answer) => answer.kind === 'found' && answer.records.some((one) => isOwn(one, own)));
  return isOurs ? best : named;
}

function failed(facts: Pick<Failure, 'permanent' | 'status' | 'text'> & { advice?: string }): FoundHosts {
  return { kind: 'failure', failure: { scope: 'destination', stage: 'resolve', ...facts } };
}
