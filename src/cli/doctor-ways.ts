import type { Settings } from '../config/settings.ts';
import { nameOfVia } from '../config/via.ts';
import { formatAddress } from '../mail/address.ts';
import { parseRecipientArgument } from '../mail/address-list.ts';
import { readDomain } from '../mail/domain.ts';
import type { Recipient } from '../mail/envelope.ts';
import { quoted } from '../mail/printable.ts';
import { nameOf, type Plan, planOutlet } from '../route/plan.ts';
import { type Outlet, type Rule, ruleFor } from '../route/table.ts';
import { readSender } from './envelope.ts';
import { withEnvironment } from './environment.ts';
import { EXIT } from './exit.ts';
import { expandFully, refusedTarget } from './expand.ts';
import { leaving } from './explain-walk.ts';
import { CommandError } from './failure.ts';
import { type FoundMeans, readMeans } from './means.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { wayOf } from './way.ts';

/* Which ways the doctor looks at: those of an address, of a domain, of an account, or all that have a server. */

/** One way to be examined. */
export interface Candidate {
  readonly plan: Pick<Plan, 'rule' | 'outlet' | 'destination'>;
  readonly name: string;
  /** As mail leaves by it; empty for nobody. */
  readonly sender: string;
  readonly open: FoundMeans['open'];
}

/** A recipient or an account, with its ways in their order: one that goes is enough. */
export interface Subject {
  readonly name: string;
  readonly ways: readonly Candidate[];
}

export interface Candidates {
  readonly subjects: readonly Subject[];
  readonly settings: Settings;
}

/** @throws {CommandError} with 64 where the word names nothing, with 65 where it is a bad address */
export async function findCandidates(
  { options: given, what }: { readonly options: SendOptions; readonly what: string | undefined },
  around: Surroundings,
): Promise<Candidates> {
  const options = withEnvironment(given, around.env);
  const means = await readMeans(options, around);
  const { settings } = means;
  const names = Object.keys(settings.accounts);
  if (what !== undefined && !names.includes(what)) {
    const find = finder(means, options, around);
    const subjects = whoIsMeant(what, { means, options }, around).map(async (recipient) => ({
      name: formatAddress(recipient.address),
      ways: await find.ofRecipient(recipient),
    }));
    return { subjects: await Promise.all(subjects), settings };
  }
  const accounts = what === undefined ? names : [what];
  const own = what === undefined ? await finder(means, options, around).servers() : [];
  const shown = new Set(own.map(({ name }) => name));
  const others = accounts
    .filter((name) => !shown.has(name))
    .map(async (account) => finder(await readMeans({ ...options, account }, around), options, around).servers());
  const subjects = [...own, ...(await Promise.all(others)).flat()];
  if (subjects.length > 0) return { subjects, settings };
  const why =
    what === undefined
      ? 'no relay is configured, and mail goes to the MX hosts of each domain'
      : 'the account has no server';
  const say = 'say a domain or an address, as in posthaste doctor example.org';
  throw new CommandError(`Cannot examine: ${why}: ${say}`, EXIT.usage);
}

/** Finds ways by one table of routes, each once. */
function finder({ table, identity, submitterOf, open }: FoundMeans, options: SendOptions, around: Surroundings) {
  const sender = readSender(options, identity.domain, around.surface);
  const way = { ...wayOf(options, around), ...(options.sender === undefined ? {} : { named: true as const }) };
  const author = sender ?? { local: 'MAILER-DAEMON', domain: identity.domain };
  const submitter = { ...submitterOf({ uid: around.surface.userId(), way }), author };
  const made = new Map<string, Promise<Candidate>>();
  const candidate = (rule: Rule, outlet: Outlet, recipient: Recipient): Promise<Candidate> => {
    const [plan] = planOutlet({ rule, outlet }, [recipient]);
    if (plan === undefined) throw new Error('Cannot examine: a recipient has no plan');
    const destination = nameOf(plan.destination);
    const key = `${rule.name} ${rule.outlets.indexOf(outlet)} ${destination}`;
    const via = nameOfVia(outlet.via);
    const to = via === destination ? via : `${via} to ${destination}`;
    const name = outlet.account === undefined ? to : `${to}, account ${outlet.account}`;
    const known =
      made.get(key) ??
      leaving(outlet, { sender, recipients: [] }, submitter).then((left) => ({
        plan,
        name,
        open,
        sender: left.sender,
      }));
    made.set(key, known);
    return known;
  };
  return {
    ofRecipient(recipient: Recipient): Promise<readonly Candidate[]> {
      const rule = ruleFor(table, { recipient, sender, author: sender ?? undefined, uid: submitter.uid });
      return Promise.all(rule.outlets.map((outlet) => candidate(rule, outlet, recipient)));
    },
    /** All relays, whoever they are for. */
    async servers(): Promise<readonly Subject[]> {
      const somebody = { address: { local: 'postmaster', domain: identity.domain } };
      const relays = [table.rest, ...table.rules].flatMap((rule) =>
        rule.outlets.filter(({ via }) => via.kind === 'relay').map((outlet) => ({ rule, outlet })),
      );
      const subjects = relays.map(async ({ rule, outlet }) => ({
        name: outlet.account ?? rule.name,
        ways: [await candidate(rule, outlet, somebody)],
      }));
      const all = await Promise.all(subjects);
      return [...new Map(all.map((subject) => [subject.ways[0]?.name, subject])).values()];
    },
  };
}

/** Recipients of a list that are looked at. */
const MOST_RECIPIENTS = 20;

function whoIsMeant(
  what: string,
  { means, options }: { readonly means: FoundMeans; readonly options: SendOptions },
  around: Surroundings,
): readonly Recipient[] {
  const { settings, identity } = means;
  if (!what.includes('@')) {
    const reading = readDomain(what);
    const accounts = Object.keys(settings.accounts).slice(0, 20);
    if (!what.includes('.') || !('domain' in reading)) {
      const known =
        accounts.length === 0
          ? 'there is none'
          : `there ${accounts.length === 1 ? 'is' : 'are'} ${accounts.join(', ')}`;
      throw new CommandError(`Cannot examine ${quoted(what)}: it is no domain, and no account: ${known}`, EXIT.usage);
    }
    return [{ address: { local: 'postmaster', domain: reading.domain } }];
  }
  const { mailboxes, refused } = parseRecipientArgument(what, { domain: identity.domain });
  const [bad] = refused;
  if (bad !== undefined) throw new CommandError(`Cannot examine ${quoted(bad.text)}: ${bad.reason}`, EXIT.data);
  const named = mailboxes.map(({ address }) => ({ address }));
  const { aliases } = options;
  const expansion = expandFully({ recipients: named, settings, identity, aliases }, around);
  const [unusable] = expansion.refused.map(refusedTarget);
  if (expansion.recipients.length === 0) {
    throw new CommandError(`Cannot examine ${quoted(what)}: ${unusable?.reason ?? 'nobody reads its mail'}`, EXIT.data);
  }
  return expansion.recipients.slice(0, MOST_RECIPIENTS);
}
