import type { Resolver } from '../dns/resolver.ts';
import type { Finding } from './finding.ts';

/** Whether name servers answer at all: one that fails for one domain alone is that domain's trouble. Never rejects. */
export async function examineResolver(domains: readonly string[], resolver: Resolver): Promise<readonly Finding[]> {
  if (domains.length === 0) return [];
  const answers = await Promise.all(domains.map((domain) => resolver.resolve(domain, 'MX')));
  const [first] = answers;
  if (first?.kind !== 'unknown' || answers.some(({ kind }) => kind !== 'unknown')) {
    return [{ check: 'resolver', verdict: 'ok', text: 'name servers answer' }];
  }
  const advice = 'Check /etc/resolv.conf or "dns.servers", and whether this network is up';
  return [{ check: 'resolver', verdict: 'failure', text: `no name server answers: ${first.text}`, advice }];
}
