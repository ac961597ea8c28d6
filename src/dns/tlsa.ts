import type { RecordData, Resolver } from './resolver.ts';

export type FoundTlsa =
  | {
      readonly kind: 'found';
      readonly records: readonly RecordData['TLSA'][];
      /** The host that they are published for: the end of its CNAMEs, or itself. */
      readonly base: string;
      readonly authentic: boolean;
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown'; readonly text: string };

/**
 * The TLSA records of a port of a host. Where authentic CNAMEs lead on from the host, those at their end come first
 * (RFC 7672, section 2.2.2). Never rejects.
 */
export async function findTlsa(
  { name, port }: { readonly name: string; readonly port: number },
  resolver: Resolver,
): Promise<FoundTlsa> {
  const [v4, v6] = await Promise.all([resolver.resolve(name, 'A'), resolver.resolve(name, 'AAAA')]);
  const ends = [v4, v6].flatMap((answer) =>
    answer.kind === 'found' && answer.authentic && answer.name !== name ? [answer.name] : [],
  );
  for (const base of [...ends.slice(0, 1), name]) {
    const answer = await resolver.resolve(`_${port}._tcp.${base}`, 'TLSA');
    if (answer.kind === 'unknown') return answer;
    if (answer.kind === 'found') {
      return { kind: 'found', records: answer.records, base, authentic: answer.authentic };
    }
  }
  return { kind: 'nothing' };
}
