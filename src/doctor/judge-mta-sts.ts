import { type FoundPolicy, policyHost } from '../delivery/sts-find.ts';
import { matchesMx, POLICY_PATH } from '../tls/mta-sts.ts';
import type { Finding } from './finding.ts';
import type { ShownHost } from './probe.ts';

const DAY = 86_400;

/** What its MTA-STS policy means for mail to a domain (RFC 8461): pure. */
export function judgeMtaSts(domain: string, found: FoundPolicy, hosts: readonly ShownHost[]): readonly Finding[] {
  const base = { check: 'mta-sts', subject: domain } as const;
  switch (found.kind) {
    case 'none':
      return [{ ...base, verdict: 'ok', text: 'there is no MTA-STS policy' }];
    case 'unknown':
      return [{ ...base, verdict: 'unknown', text: found.text }];
    case 'broken':
      return [{ ...base, verdict: 'warning', ...brokenText(domain, found) }];
    case 'policy':
      return judgePolicy(domain, found, hosts);
  }
}

function brokenText(
  domain: string,
  { where, reason }: Extract<FoundPolicy, { kind: 'broken' }>,
): Pick<Finding, 'text' | 'advice'> {
  const url = `https://${policyHost(domain)}${POLICY_PATH}`;
  const owner = 'Until its operator mends it, senders that do not know the policy from before go without one';
  switch (where) {
    case 'record':
      return { text: `the record at _mta-sts.${domain} does not count: ${reason}`, advice: owner };
    case 'fetch':
      return { text: `there is a record, and no policy at ${url}: ${reason}`, advice: owner };
    case 'policy':
      return { text: `the policy at ${url} does not count: ${reason}`, advice: owner };
  }
}

function judgePolicy(
  domain: string,
  { id, policy }: Extract<FoundPolicy, { kind: 'policy' }>,
  hosts: readonly ShownHost[],
): readonly Finding[] {
  const check = 'mta-sts';
  const { mode, mx, maxAge } = policy;
  const days = maxAge < DAY ? `${maxAge} s` : `${Math.floor(maxAge / DAY)} days`;
  const about = `the policy is ${mode} (id ${id}, for ${days})`;
  if (mode === 'none') return [{ check, verdict: 'ok', subject: domain, text: `${about}: it asks for nothing` }];
  const judged = hosts.map((host) => ({ host, wrong: whatIsWrong(host, mx) }));
  const kept = judged.filter(({ host, wrong }) => wrong === undefined && host.facts?.tls !== undefined);
  const broken = judged.filter(({ wrong }) => wrong !== undefined);
  // Mail goes to the hosts that keep it; where none does, none is sent (section 5).
  const isStopped = mode === 'enforce' && broken.length > 0 && broken.length === hosts.length;
  const perHost = broken.map(({ host, wrong }): Finding => {
    const verdict = isStopped ? 'failure' : 'warning';
    const { text = '', advice = '' } = wrong ?? {};
    return { check, verdict, subject: host.name, text, advice };
  });
  return [policyFinding(), ...perHost];

  function policyFinding(): Finding {
    const subject = domain;
    if (isStopped) {
      const advice = 'Its operator has to mend the servers, or the policy and the id of its record';
      const text = `${about}, and no server keeps it: senders that heed it send nothing`;
      return { check, verdict: 'failure', subject, text, advice };
    }
    if (broken.length > 0) {
      const text = `${about}, and ${hosts.length === 1 ? 'its server does' : `${broken.length} of ${hosts.length} servers do`} not keep it`;
      return { check, verdict: 'warning', subject, text };
    }
    if (kept.length === hosts.length)
      return { check, verdict: 'ok', subject, text: `${about}, and every server keeps it` };
    const seen =
      kept.length === 0
        ? 'its servers were not seen with TLS'
        : `${kept.length} of ${hosts.length} servers were seen to keep it`;
    return { check, verdict: kept.length === 0 ? 'unknown' : 'ok', subject, text: `${about}; ${seen}` };
  }
}

/** Undefined where nothing is, or where it is not known. */
function whatIsWrong(
  { name, facts }: ShownHost,
  patterns: readonly string[],
): Required<Pick<Finding, 'text' | 'advice'>> | undefined {
  if (!patterns.some((pattern) => matchesMx(pattern, name))) {
    const named = patterns.slice(0, 5).join(', ');
    const advice = `Its operator has to add "mx: ${name}" to the policy and change the id of the record`;
    return { text: `the policy does not name it (it names ${named.slice(0, 200)})`, advice };
  }
  if (facts?.tls !== undefined) {
    if (facts.tls.verified) return undefined;
    const text = `the policy wants a valid certificate: ${facts.tls.reason ?? 'it can not be verified'}`;
    return { text, advice: `Its operator has to install a certificate for ${name} of a known authority` };
  }
  if (facts?.offersStartTls !== false) return undefined;
  return { text: 'the policy wants TLS, and it offers no STARTTLS', advice: 'Its operator has to switch STARTTLS on' };
}
