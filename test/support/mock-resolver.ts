import type { Answer, RecordData, RecordType, Resolver } from '../../src/dns/resolver.ts';

/** A whole fake DNS on one screen: records by type and name, and names that fail. */
export interface MockZones {
  readonly A?: Readonly<Record<string, readonly string[]>>;
  readonly AAAA?: Readonly<Record<string, readonly string[]>>;
  /** `10 mx.example.org`; `0 .` is a null MX. */
  readonly MX?: Readonly<Record<string, readonly string[]>>;
  readonly TXT?: Readonly<Record<string, readonly string[]>>;
  readonly TLSA?: Readonly<Record<string, readonly RecordData['TLSA'][]>>;
  readonly PTR?: Readonly<Record<string, readonly string[]>>;
  /** Where the addresses that stand at the alias are found. */
  readonly CNAME?: Readonly<Record<string, readonly string[]>>;
  /** `MX example.org`: SERVFAIL. */
  readonly fail?: readonly string[];
  /** `AAAA example.org`: NXDOMAIN for this type alone, as broken servers do. */
  readonly missing?: readonly string[];
  /** `AAAA example.org`: never answered. */
  readonly hang?: readonly string[];
  /** `MX example.org`: with the AD bit. */
  readonly authentic?: readonly string[];
}

export interface MockResolver extends Resolver {
  /** `MX example.org`, in the order of the questions. */
  readonly asked: readonly string[];
}

const TYPES: readonly RecordType[] = ['A', 'AAAA', 'MX', 'TXT', 'TLSA', 'PTR', 'CNAME'];

export function mockResolver(zones: MockZones): MockResolver {
  const asked: string[] = [];
  const records: { readonly [T in RecordType]: (name: string) => readonly RecordData[T][] | undefined } = {
    A: (name) => zones.A?.[name],
    AAAA: (name) => zones.AAAA?.[name],
    MX: (name) => zones.MX?.[name]?.map(parseMx),
    TXT: (name) => zones.TXT?.[name],
    TLSA: (name) => zones.TLSA?.[name],
    PTR: (name) => zones.PTR?.[name],
    CNAME: (name) => zones.CNAME?.[name],
  };
  return {
    asked,
    async resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>> {
      const key = `${type} ${name}`;
      asked.push(key);
      if (zones.hang?.includes(key)) return new Promise(() => undefined);
      if (zones.fail?.includes(key)) return { kind: 'unknown', text: '192.0.2.53 answered SERVFAIL' };
      const authentic = zones.authentic?.includes(key) ?? false;
      if (zones.missing?.includes(key)) return { kind: 'nothing', exists: false, authentic };
      const found = records[type](name);
      const end = type === 'A' || type === 'AAAA' ? (zones.CNAME?.[name]?.[0] ?? name) : name;
      if (found !== undefined && found.length > 0)
        return { kind: 'found', records: found, name: end, ttl: 60, authentic };
      return { kind: 'nothing', exists: TYPES.some((one) => records[one](name) !== undefined), authentic };
    },
  };
}

function parseMx(line: string): RecordData['MX'] {
  const [preference, exchange = ''] = line.split(' ');
  return { preference: Number(preference), exchange: exchange === '.' ? '' : exchange };
}
