import type { Settings } from '../config/settings.ts';
import { type Finding, soften, within } from '../doctor/finding.ts';
import { examineResolver } from '../doctor/resolver.ts';
import { examineSender, isPublic } from '../doctor/sender.ts';
import { type Checkup, examineWay } from '../doctor/way.ts';
import { parseSender } from '../mail/address-list.ts';
import type { Stage } from '../mail/result.ts';
import { nameOf } from '../route/plan.ts';
import { STAGES } from '../smtp/stages.ts';
import { reportLines } from './doctor-text.ts';
import { type Candidate, findCandidates, type Subject } from './doctor-ways.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CommandError } from './failure.ts';
import { identify } from './identity.ts';
import { printJson } from './json.ts';
import type { OptionKey } from './options.ts';
import { type Form, type FormRow, readForm } from './program.ts';
import type { Surroundings } from './surroundings.ts';
import { readValues } from './values.ts';
import { orFailure } from './way.ts';

/** `posthaste doctor`: what would stop mail from here to there. Servers are talked to, and no mail is sent. */

type DoctorKey = Extract<OptionKey, 'sender' | 'relay' | 'config' | 'json'> | 'selector';

const row = (key: DoctorKey, flags: string, text: string): FormRow<DoctorKey> => ({ key, flags, text });

export const DOCTOR_OPTIONS: readonly FormRow<DoctorKey>[] = [
  row('sender', '-f, --from <address>', 'who the mail would be from'),
  row('relay', '--relay <url>', 'through this server'),
  row('selector', '--dkim-selector <name>', 'look for the DKIM key of this selector'),
  row('json', '--json', 'print one JSON object'),
  row('config', '--config <file>', 'read this configuration file'),
];

const FORM: Form<DoctorKey> = {
  usage: 'doctor [options] [account|domain|address]',
  description:
    'Says what would stop mail from here to there, and what to do about it: name servers, MX, port 25, greeting,\n' +
    'STARTTLS, certificates, login, reverse DNS, SPF, DKIM, DMARC, MTA-STS, TLSA. No mail is sent.\n' +
    'Without a word, it looks at all relays and accounts of the configuration. Status 0: mail would go.',
  operands: '[what]',
  rows: DOCTOR_OPTIONS,
};

/** What `posthaste doctor --json` prints. */
export interface DoctorJson {
  readonly version: 1;
  readonly exit: ExitCode;
  /** Mail would go. */
  readonly goes: boolean;
  readonly common: readonly Finding[];
  /** For each recipient, or account: its ways in their order, of which one is enough. */
  readonly subjects: readonly {
    readonly name: string;
    readonly goes: boolean;
    readonly ways: readonly { readonly way: string; readonly goes: boolean; readonly findings: readonly Finding[] }[];
  }[];
  /** What servers would hold against us, where mail goes to MX hosts. */
  readonly sender: readonly Finding[];
}

/** Milliseconds for one way, and for what is published of us; what takes longer is not known. */
const PATIENCE = 90_000;
/** Seconds: who looks wants to know now, and a server that is slower than this is in trouble. */
const MOST_SECONDS = 20;

/** @throws {CommandError} */
export async function runDoctor(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const read = readForm(FORM, words, around);
  if (read === undefined) return EXIT.ok;
  if (read.words.length > 1) throw new CommandError('Cannot examine: say one account, domain or address', EXIT.usage);
  const selector = read.given.get('selector')?.at(-1);
  if (selector !== undefined && !/^[a-z0-9]([a-z0-9._-]{0,62})$/i.test(selector)) {
    throw new CommandError(
      `Cannot use --dkim-selector ${JSON.stringify(selector.slice(0, 80))}: it is a name`,
      EXIT.usage,
    );
  }
  const given = new Map([...read.given].flatMap(([key, texts]) => (key === 'selector' ? [] : [[key, texts] as const])));
  const options = readValues(given, []);
  const found = await findCandidates({ options, what: read.words[0] }, around);
  const report = await examine(found, around, selector);
  around.stdout.write(options.json ? printJson(report) : `${reportLines(report).join('\n')}\n`);
  return report.exit;
}

async function examine(
  { subjects, settings: plain }: Awaited<ReturnType<typeof findCandidates>>,
  around: Surroundings,
  selector: string | undefined,
): Promise<DoctorJson> {
  const settings = { ...plain, timeouts: bounded(plain.timeouts) };
  const world = around.openWorld(settings);
  const limit = { milliseconds: PATIENCE, sleep: world.sleep };
  const candidates = [...new Set(subjects.flatMap(({ ways }) => ways))];
  const mx = candidates.filter(({ plan }) => plan.outlet.via.kind === 'mx');
  const senders = [...new Set(mx.map(({ sender }) => domainOf(sender)).filter((domain) => domain !== undefined))];
  const domains = mx.map(({ plan }) => nameOf(plan.destination)).filter((name) => !name.startsWith('['));

  const checkup = async ({ plan, open }: Candidate): Promise<Checkup> => {
    const opened = await orFailure(open)(plan.outlet);
    if ('scope' in opened) {
      return { findings: [{ check: 'login', verdict: 'failure', text: opened.text }], goes: false };
    }
    const outlet = {
      ...plan.outlet,
      settings: { ...plan.outlet.settings, timeouts: bounded(plan.outlet.settings.timeouts) },
    };
    return within(limit, examineWay({ plan: { ...plan, outlet }, opened }, world), () => ({
      findings: [{ check: 'session', verdict: 'failure', text: `not done within ${PATIENCE / 1000} s` }],
      goes: false,
    }));
  };
  const made = new Map(candidates.map((candidate) => [candidate, checkup(candidate)] as const));
  const [common, checkups] = await Promise.all([
    within(
      limit,
      examineResolver([...new Set([...domains, ...senders])].slice(0, 5), world.resolver),
      late('resolver'),
    ),
    Promise.all(made.values()),
  ]);
  const { fqdn } = identify(settings, around.surface);
  const seen = checkups.find(
    (each, index) => each.seen !== undefined && mx.some((one) => one === candidates[index]),
  )?.seen;
  const address = seen ?? around.ownAddresses().find(isPublic);
  const [domain] = senders;
  const question = {
    ...(domain === undefined ? {} : { domain }),
    ...(address === undefined ? {} : { address }),
    ...(fqdn === undefined ? {} : { helloName: fqdn }),
    ...(selector === undefined ? {} : { selector }),
    allowLocal: settings.mx.allowLocal,
  };
  const sender = mx.length === 0 ? [] : await within(limit, examineSender(question, world.resolver), late('sender'));

  const mayWe = ![...common, ...sender].some(({ verdict }) => verdict === 'failure');
  const reported = subjects.map(({ name, ways }: Subject) => {
    const shown = ways.map((candidate) => {
      const { findings, goes } = checkups[candidates.indexOf(candidate)] ?? { findings: [], goes: false };
      return { way: candidate.name, goes: goes && (mayWe || !mx.includes(candidate)), findings };
    });
    const goes = shown.some((way) => way.goes);
    // What one way can't do, another one does.
    const told = goes ? shown.map((way) => ({ ...way, findings: soften(way.findings) })) : shown;
    return { name, goes, ways: told };
  });
  const goes = reported.every((each) => each.goes);
  return { version: 1, exit: goes ? EXIT.ok : EXIT.unavailable, goes, common, subjects: reported, sender };
}

const late = (check: Finding['check']) => (): readonly Finding[] => [
  { check, verdict: 'unknown', text: `not done within ${PATIENCE / 1000} s` },
];

function domainOf(sender: string): string | undefined {
  const reading = parseSender(sender, { domain: '' });
  return 'address' in reading ? reading.address?.domain : undefined;
}

/** The stages up to a login, none of them longer than who looks wants to wait. */
function bounded(timeouts: Settings['timeouts']): Settings['timeouts'] {
  const of = (stage: Stage, most = MOST_SECONDS): number => Math.min(timeouts[stage] ?? STAGES[stage].seconds, most);
  return {
    ...timeouts,
    ...{ resolve: of('resolve', 10), connect: of('connect'), greeting: of('greeting'), ehlo: of('ehlo') },
    ...{ starttls: of('starttls'), tls: of('tls'), auth: of('auth') },
  };
}
