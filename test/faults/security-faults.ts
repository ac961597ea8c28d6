import { at, command, type Fault, fault } from './proof.ts';

const ENCRYPTION = {
  T01: fault('STARTTLS is not offered', 'table'),
  T02: fault('STARTTLS is refused with 5xx', 'table'),
  T03: fault('STARTTLS is refused with 4xx', 'table'),
  T04: fault('STARTTLS is answered with any other code', 'table'),
  T05: fault(
    '220, and then no handshake',
    'table',
    at('tls/handshake', 'the server is silent for longer than the limit'),
  ),
  T06: fault('a server that pretends a log-in was done', 'table'),
  T07: fault(
    'a forged reply behind the 220',
    'table',
    at('tls/handshake', 'sends a reply behind its 220 in the clear'),
  ),
  T09: fault('STARTTLS is offered inside of TLS', 'table'),
  T10: fault(
    'a certificate for another name, of nobody, or of yesterday',
    'table',
    at('tls/certificate', 'is not had'),
  ),
  T12: fault(
    'a fingerprint, right or wrong',
    'table',
    at('tls/certificate', 'the fingerprint when another one is pinned'),
  ),
  T13: fault(
    'the server asks for our certificate',
    'table',
    at('tls/handshake', 'shows our certificate when one is configured'),
  ),
  T14: fault('only old versions of TLS', 'table', at('tls/handshake', 'the server has only TLS 1.1')),
  T16: fault('a handshake, or a reply inside of TLS, without end', 'table'),
  T17: fault('DANE: the record matches', 'table', at('interop/dane', 'delivers to %s')),
  T18: fault('DANE: the record does not match', 'table', at('interop/dane', 'defers for %s')),
  T20: fault('TLSA without DNSSEC', 'table', at('interop/dane', 'without a name server that validates')),
  T21: fault('TLSA can not be looked up', 'table', at('interop/dane', 'defers for %s')),
  T22: fault('TLSA records of many kinds', 'table', at('tls/dane', 'usableTlsa()')),
  T23: fault(
    'the AD bit of a resolver that is not trusted',
    at('dns/resolv-conf', 'isTrusted() believes servers on loopback'),
    at('dns/ask', 'keeps the AD bit only of servers that are trusted'),
  ),
  T24: fault(
    'MTA-STS: enforce',
    at('scenarios/published', 'gets none at a host that it does not name'),
    at('scenarios/published', 'gets none where no certificate is valid'),
    at('scenarios/published', 'that has TLSA records too gets it by those'),
  ),
  T25: fault(
    'MTA-STS: a policy that can not be had',
    at('delivery/sts-find', 'is not content with'),
    at('delivery/sts-policy', 'leaves the old policy in force'),
    at('scenarios/published', 'waits while the policy is hidden'),
  ),
  T26: fault('MTA-STS: testing', at('scenarios/published', 'where the policy is only tested')),
  T27: fault(
    'REQUIRETLS, and the next hop has it not',
    'table',
    at('delivery/deliver', 'requires TLS on the whole way'),
    at('scenarios/published', 'gets none while none is, in the clear neither'),
  ),
};

const LOGIN = {
  A01: fault('AUTH in the clear', 'table', at('smtp/auth-failure', 'when no mechanism can be used')),
  A02: fault('AUTH at a server that the password is not for', 'table', at('cli/run', 'never looks for a password')),
  A03: fault('AUTH behind a certificate that does not verify', 'table'),
  A04: fault('every refusal of AUTH', 'table', at('smtp/auth-failure', 'when the server refuses')),
  A05: fault('challenges that are none, or never end', 'table', at('smtp/auth', 'longer than 12288 octets')),
  A06: fault(
    'a server that can not prove that it knows the password',
    'table',
    at('smtp/sasl/mechanisms', 'halts when the server proves nothing'),
  ),
  A07: fault('sixty strange mechanisms', 'table', at('smtp/auth', 'sixty strange mechanisms')),
  A08: fault(
    'the secret shows nowhere',
    'table',
    at('net/veil', 'hides what it was given'),
    at('smtp/auth', 'hides every payload'),
  ),
  A09: fault(
    'a password file that others read, a password of two lines',
    'table',
    command('in a file that others may read'),
  ),
};

/** TLS and logging in. */
export const SECURITY_FAULTS: Readonly<Record<string, Fault>> = { ...ENCRYPTION, ...LOGIN };
