import { createHash, X509Certificate } from 'node:crypto';
import { SERVFAIL, type ZoneName, type Zones } from '../support/dns-server.ts';
import type { Behaviour } from '../support/fault-acts.ts';
import type { FaultRow, Want } from '../support/fault-rows.ts';
import type { Certificates } from '../support/fault-server.ts';

type Tlsa = NonNullable<ZoneName['TLSA']>[number];

const record = (usage: number, selector: number, matchingType: number, certificate: Buffer): Tlsa => ({
  ...{ usage, selector, matchingType, certificate },
});
const hash = (name: string, bytes: Buffer): Buffer => createHash(name).update(bytes).digest();
/** What every certificate of these rows matches: they have one key. */
const rightKey = ({ good }: Certificates): Tlsa => {
  const { publicKey } = new X509Certificate(good.cert);
  return record(3, 1, 1, hash('sha256', publicKey.export({ type: 'spki', format: 'der' })));
};
const WRONG = record(3, 1, 1, Buffer.alloc(32));

/** Those of a host. */
type Records = (has: Certificates) => readonly Tlsa[];
const WRONG_ONE: Records = () => [WRONG];
const RIGHT_ONE: Records = (has) => [rightKey(has)];

interface Signing {
  /** The one kind of record that is not signed. */
  readonly unsigned?: 'MX' | 'A' | 'TLSA';
  /** Instead of records of the first host. */
  readonly instead?: ZoneName;
}

/** MX hosts with these records, all of it signed. */
const hosts =
  (records: readonly Records[], { unsigned, instead }: Signing = {}) =>
  (port: number, has: Certificates): Zones => {
    const names = records.map((_, index) => `mx${index + 1}.dest.test`);
    const tlsa = records.map((of, index) => ({ TLSA: of(has), ...(index === 0 ? instead : {}) }));
    const exchanges = names.map((name, index) => `${10 * (index + 1)} ${name}`);
    const authentic = (type: Signing['unsigned']) => ({ authentic: type !== unsigned });
    return {
      'dest.test': { MX: exchanges, ...authentic('MX') },
      ...Object.fromEntries(names.map((name, index) => [name, { A: [`127.0.0.${index + 1}`], ...authentic('A') }])),
      ...Object.fromEntries(
        names.map((name, index) => [`_${port}._tcp.${name}`, { ...tlsa[index], ...authentic('TLSA') }]),
      ),
    };
  };

const row = (
  id: string,
  what: string,
  given: Pick<FaultRow, 'servers' | 'zones' | 'want'> & Partial<FaultRow>,
): FaultRow => ({
  ...{ id, what, via: 'mx' },
  ...given,
});

const DELIVERED: Want = { exit: 0, results: ['delivered 2.0.0 250'], ended: [1], connections: [1] };
const BY_DANE: Want = { ...DELIVERED, says: [/, verified \(DANE\)$/m] };
const UNPROVED: Want = { ...DELIVERED, says: [/, not verified/] };
const NOTHING = { exit: 75, ended: [0], unheard: [/^MAIL/] } as const;
const UNTRUSTED: Want = { ...NOTHING, results: ['deferred 4.7.5 tls'], connections: [1] };
const NO_TLS: Want = { ...NOTHING, results: ['deferred 4.7.4 starttls'], connections: [1] };
const UNKNOWN: Want = { ...NOTHING, results: ['deferred 4.4.3 resolve'], connections: [0] };
const GOOD: Behaviour = { tls: 'good' };

const UNUSABLE: readonly (readonly [string, Tlsa])[] = [
  ['a record for browsers (1 1 1)', record(1, 1, 1, Buffer.alloc(32))],
  ['a record of numbers that nobody knows (9 9 9)', record(9, 9, 9, Buffer.of(0))],
  ['a digest that is too short', record(3, 1, 1, Buffer.alloc(20))],
  ['a certificate that is none (3 0 0)', record(3, 0, 0, Buffer.from('none'))],
];

/** What DNS says of the servers' certificates (RFC 7672). */
export const DANE_ROWS: readonly FaultRow[] = [
  ...(['good', 'wrong-name', 'self-signed', 'expired'] as const).map((tls) =>
    row('T17', `dane: the key of a certificate that is ${tls}`, {
      servers: [{ tls }],
      zones: hosts([RIGHT_ONE]),
      want: BY_DANE,
    }),
  ),
  row('T17', 'dane: the whole certificate', {
    servers: [{ tls: 'wrong-name' }],
    zones: hosts([(has) => [record(3, 0, 1, hash('sha256', new X509Certificate(has['wrong-name'].cert).raw))]]),
    want: BY_DANE,
  }),
  row('T18', 'dane: another key than that of a good certificate', {
    servers: [GOOD],
    zones: hosts([WRONG_ONE]),
    want: UNTRUSTED,
  }),
  row('T18', 'dane: another key, and the next MX has the right one', {
    servers: [GOOD, GOOD],
    zones: hosts([WRONG_ONE, RIGHT_ONE]),
    want: { ...BY_DANE, ended: [0, 1], connections: [1, 1] },
  }),
  row('T18', 'dane: STARTTLS is not offered', { servers: [{}], zones: hosts([RIGHT_ONE]), want: NO_TLS }),
  row('T18', 'dane: STARTTLS is refused', {
    servers: [{ tls: 'good', starttls: ['454 4.7.0 not now'] }],
    zones: hosts([RIGHT_ONE]),
    want: { ...NOTHING, results: ['deferred 4.7.0 starttls'] },
  }),
  row('T18', 'dane: --tls encrypt asks for no less', {
    servers: [GOOD],
    zones: hosts([WRONG_ONE]),
    words: ['--tls', 'encrypt'],
    want: UNTRUSTED,
  }),
  ...(['MX', 'A', 'TLSA'] as const).flatMap((unsigned) => [
    row('T20', `dane: another key, and ${unsigned} is not signed`, {
      servers: [{ tls: 'self-signed' }],
      zones: hosts([WRONG_ONE], { unsigned }),
      want: UNPROVED,
    }),
    row('T20', `dane: no STARTTLS, and ${unsigned} is not signed`, {
      servers: [{}],
      zones: hosts([RIGHT_ONE], { unsigned }),
      want: DELIVERED,
    }),
  ]),
  row('T21', 'dane: TLSA: SERVFAIL', {
    servers: [GOOD],
    zones: hosts([RIGHT_ONE], { instead: { code: SERVFAIL } }),
    want: UNKNOWN,
  }),
  row('T21', 'dane: TLSA: SERVFAIL, and the next MX has the right one', {
    servers: [GOOD, GOOD],
    zones: hosts([RIGHT_ONE, RIGHT_ONE], { instead: { code: SERVFAIL } }),
    want: { ...BY_DANE, ended: [0, 1], connections: [0, 1] },
  }),
  row('T21', 'dane: TLSA: no answer at all', {
    servers: [GOOD],
    zones: hosts([RIGHT_ONE], { instead: { silent: true } }),
    timeouts: { resolve: '400ms' },
    want: { ...UNKNOWN, within: 9000 },
  }),
  row('T21', 'dane: TLSA: there is none', {
    servers: [{}],
    zones: hosts([() => []]),
    want: DELIVERED,
  }),
  ...UNUSABLE.flatMap(([what, unusable]) => [
    row('T22', `dane: ${what}: any certificate will do`, {
      servers: [{ tls: 'self-signed' }],
      zones: hosts([() => [unusable]]),
      want: UNPROVED,
    }),
    row('T22', `dane: ${what}: nothing without TLS`, {
      servers: [{}],
      zones: hosts([() => [unusable]]),
      want: NO_TLS,
    }),
    row('T22', `dane: ${what}, beside one that is wrong`, {
      servers: [GOOD],
      zones: hosts([() => [unusable, WRONG]]),
      want: UNTRUSTED,
    }),
  ]),
  row('T22', 'dane: the last of 61 matches, and the answer comes over TCP', {
    servers: [GOOD],
    zones: hosts([
      (has) => [...Array.from({ length: 60 }, (_, index) => record(3, 1, 1, Buffer.alloc(32, index))), rightKey(has)],
    ]),
    want: BY_DANE,
  }),
  row('T22', 'dane: SHA-512 is wrong, and SHA-256 beside it right', {
    servers: [GOOD],
    zones: hosts([(has) => [record(3, 1, 2, Buffer.alloc(64)), rightKey(has)]]),
    want: UNTRUSTED,
  }),
];
