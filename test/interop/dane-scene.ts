/**
 * Domains whose mail servers are to be held to DANE (RFC 7672), or not: one Postfix, on four addresses, and the zones that
 * say what its certificates are.
 *
 *   const scene = await openDane();
 *   … sender.send({ to: ['bob@match.good.test'] }) …
 *   await scene.close();
 */
import { createHash, X509Certificate } from 'node:crypto';
import { createAuthority } from '../support/certificates.ts';
import { createSender, type Sender } from './sender.ts';
import { startDnssec, type Zone } from './servers/dnssec.ts';
import { type Finger, openFinger } from './servers/finger.ts';
import { type Postfix, startPostfix } from './servers/postfix.ts';

export interface Dane {
  readonly sender: Sender;
  /** Asks a name server that does not validate. */
  readonly unsafeSender: Sender;
  readonly postfix: Postfix;
  readonly finger: Finger;
  close(): Promise<void>;
}

/** What is to be seen there. */
const SELF_SIGNED = '127.0.0.1';
const WITH_CA = '127.0.0.2';
const WITHOUT_CA = '127.0.0.3';
const NO_STARTTLS = '127.0.0.4';

export async function openDane(): Promise<Dane> {
  const [authority, other] = [createAuthority(), createAuthority()];
  const open: (() => Promise<void> | void)[] = [authority.close, other.close];
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  try {
    // Neither names nor dates count where a record names the certificate itself.
    const own = other.issue({ names: ['DNS:another.example'], days: -1, selfSigned: true });
    const issued = authority.issue({ names: ['DNS:mx.issued.good.test', 'DNS:mx.no-ca.good.test'] });
    const postfix = await startPostfix({
      certificate: own,
      others: [
        { address: WITH_CA, chain: `${issued.key}${issued.cert}${authority.ca}` },
        { address: WITHOUT_CA, chain: `${issued.key}${issued.cert}` },
        { address: NO_STARTTLS },
      ],
    });
    open.push(postfix.stop);
    const dns = await startDnssec(zones(postfix.port, { own: keyDigest(own.cert), ca: keyDigest(authority.ca) }));
    open.push(dns.stop);
    const finger = await openFinger(dns.address);
    open.push(finger.close);
    const sender = await createSender(postfix.port, dns);
    open.push(sender.close);
    const unsafeSender = await createSender(postfix.port, { port: dns.authority });
    open.push(unsafeSender.close);
    return { sender, unsafeSender, postfix, finger, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const keyDigest = (pem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

const digest = (index: number): string => index.toString(16).padStart(64, '0');
const OTHER = `3 1 1 ${digest(0)}`;

function zones(port: number, { own, ca }: Readonly<Record<'own' | 'ca', string>>): readonly Zone[] {
  const [matching, issuing] = [`3 1 1 ${own}`, `2 1 1 ${ca}`];
  const tlsa = (host: string, ...records: readonly string[]): readonly string[] =>
    records.map((record) => `_${port}._tcp.${host} TLSA ${record}`);
  const domain = (name: string, address: string, ...records: readonly string[]): readonly string[] => [
    `${name} MX 10 mx.${name}`,
    `mx.${name} A ${address}`,
    ...tlsa(`mx.${name}`, ...records),
  ];
  const outside = ['@ MX 10 mx', `mx A ${SELF_SIGNED}`, ...tlsa('mx', OTHER)];
  return [
    { name: 'test', trust: 'signed', records: [] },
    {
      name: 'good.test',
      trust: 'signed',
      records: [
        ...domain('match', SELF_SIGNED, matching),
        ...domain('mismatch', SELF_SIGNED, OTHER),
        ...domain('second', SELF_SIGNED, OTHER),
        'second MX 20 mx.match',
        ...domain('issued', WITH_CA, issuing),
        ...domain('no-ca', WITHOUT_CA, issuing),
        ...domain('wrong-name', WITH_CA, issuing),
        ...domain('no-starttls', NO_STARTTLS, matching),
        ...domain('unusable', SELF_SIGNED, `0 0 1 ${own}`, `3 1 1 ${own.slice(2)}`),
        ...domain('unusable-clear', NO_STARTTLS, `0 0 1 ${own}`),
        ...domain('no-tlsa', NO_STARTTLS),
        ...domain('bogus-tlsa', SELF_SIGNED),
        ...domain('refused-tlsa', SELF_SIGNED),
        ...domain('bogus-second', SELF_SIGNED),
        'bogus-second MX 20 mx.match',
        ...domain('many', SELF_SIGNED, ...Array.from({ length: 60 }, (_, index) => `3 1 1 ${digest(index)}`), matching),
        'alias MX 10 mx.alias',
        'mx.alias CNAME mx.match',
        'alias-of-bad MX 10 mx.alias-of-bad',
        'mx.alias-of-bad CNAME mx.mismatch',
        // The records at the end of the CNAME come first, and those of the alias are not asked for.
        ...tlsa('mx.alias-of-bad', matching),
        'leads-out MX 10 mx.plain.test.',
        // The CNAME is signed, and what it leads to is not.
        'alias-out MX 10 mx.alias-out',
        'mx.alias-out CNAME mx.plain.test.',
        ...tlsa('mx.alias-out', matching),
        'alias-out-bad MX 10 mx.alias-out-bad',
        'mx.alias-out-bad CNAME mx.plain.test.',
        ...tlsa('mx.alias-out-bad', OTHER),
      ],
    },
    { name: '_tcp.mx.bogus-tlsa.good.test', trust: 'bogus', records: [`_${port} TLSA ${matching}`] },
    { name: '_tcp.mx.bogus-second.good.test', trust: 'bogus', records: [`_${port} TLSA ${matching}`] },
    { name: '_tcp.mx.refused-tlsa.good.test', trust: 'refused', records: [`_${port} TLSA ${matching}`] },
    {
      name: 'plain.test',
      trust: 'unsigned',
      records: [
        ...outside,
        ...domain('clear', NO_STARTTLS, OTHER),
        'hosted MX 10 mx.match.good.test.',
        'hosted-bad MX 10 mx.mismatch.good.test.',
      ],
    },
    { name: 'bogus.test', trust: 'bogus', records: ['@ MX 10 mx', `mx A ${SELF_SIGNED}`, ...tlsa('mx', matching)] },
    { name: 'bogus-mx.test', trust: 'bogus', records: [`mx A ${SELF_SIGNED}`, ...tlsa('mx', matching)] },
    { name: 'good-mx.test', trust: 'signed', records: ['@ MX 10 mx.bogus-mx.test.'] },
  ];
}
