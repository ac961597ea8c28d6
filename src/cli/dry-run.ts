import type { Settings } from '../config/settings.ts';
import { finderFor } from '../delivery/addresses.ts';
import { authored } from '../delivery/author.ts';
import type { Delivery, Opened } from '../delivery/deliver.ts';
import { formatAddress } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { escapeControls } from '../mail/printable.ts';
import type { Failure, Undelivered } from '../mail/result.ts';
import { inspect } from '../message/inspect.ts';
import { nameOf, type Plan } from '../route/plan.ts';
import { addressesOf, type RouteSettings, resolveRoute } from '../route/resolve.ts';
import { stageLimit } from '../smtp/stages.ts';
import type { World } from '../world.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { printJson, refusedJson, resultJson } from './json.ts';
import { formatSender } from './output.ts';
import type { Job } from './send.ts';
import { summaryLines } from './summary.ts';
import type { Surroundings } from './surroundings.ts';
import { tracedWorld } from './watch.ts';

/*
 * `--dry-run`: everything but sending. The servers of each destination are looked up as they would be, but no connection
 * is made: what they would say stays unknown. The exit status is that of what is known already to fail.
 */

/** Where the recipients of one destination would go. */
export interface PlannedRoute {
  readonly destination: string;
  readonly recipients: readonly string[];
  /** Where it is another than that of the envelope. */
  readonly sender?: string;
  readonly via?: string;
  readonly port?: number;
  readonly hosts?: readonly PlannedHost[];
  readonly status?: string;
  readonly error?: string;
}

interface PlannedHost {
  readonly name: string;
  readonly preference: number;
  readonly addresses?: readonly string[];
  readonly status?: string;
  readonly error?: string;
}

export async function showDryRun(job: Job, around: Surroundings): Promise<ExitCode> {
  const { options, settings, prepared, delivery, refused } = job;
  const { envelope, message } = delivery;
  const plain = around.openWorld(settings);
  const world = options.verbose > 1 ? tracedWorld(plain, (text) => around.stderr.write(`${text}\n`)) : plain;
  const looked = await Promise.all(job.plans.map((plan) => lookUp(plan, delivery.open, world)));
  const senders = await Promise.all(job.plans.map((plan) => senderOf(plan, delivery)));
  const routes = looked.map(({ route }, index) => ({ ...route, ...senders[index] }));
  const undelivered = looked.flatMap((each) => each.undelivered);
  const exit = exitCode(undelivered, refused.length);
  const summary = await inspect(message).catch(() => undefined);
  if (options.json) {
    const { added, removed } = prepared;
    const recipients = envelope.recipients.map((recipient) => formatAddress(recipient.address));
    const failing = undelivered.map((result) => ({ ...resultJson(result), attempts: 0 }));
    const object = {
      version: 1,
      exit,
      message: { ...(job.messageId === undefined ? {} : { id: job.messageId }), size: message.facts.size },
      sender: formatSender(envelope),
      recipients: [...failing, ...refused.map(refusedJson)],
      dryRun: { recipients, routes, added, removed, summary },
    };
    around.stdout.write(printJson(object));
  } else {
    const lines = [
      ...envelopeLines(job),
      '',
      ...routes.flatMap(routeLines),
      '',
      ...messageLines(job),
      '',
      ...summaryLines(summary),
    ];
    around.stdout.write(`${lines.map(escapeControls).join('\n')}\n`);
  }
  return exit;
}

const routingOf = (settings: Settings, own: Opened['own']): RouteSettings => ({
  port: settings.mx.port,
  allowLocal: settings.mx.allowLocal,
  limit: stageLimit('resolve', settings.timeouts),
  ...(own === undefined ? {} : { own }),
});

async function lookUp(
  { destination, recipients, outlet }: Plan,
  open: Delivery['open'],
  world: World,
): Promise<{ readonly route: PlannedRoute; readonly undelivered: readonly Undelivered[] }> {
  const base = {
    destination: nameOf(destination),
    recipients: recipients.map((recipient) => formatAddress(recipient.address)),
  };
  if (destination.via === 'local') return { route: { ...base, via: 'local', hosts: [] }, undelivered: [] };
  const opened = await open(outlet);
  if ('scope' in opened) {
    return {
      route: { ...base, status: opened.status, error: opened.text },
      undelivered: recipients.map(asResult(opened)),
    };
  }
  const routing = routingOf(outlet.settings, opened.own);
  const resolved = await resolveRoute(destination, routing, world);
  if (resolved.kind === 'failure') {
    const { status, text } = resolved.failure;
    return { route: { ...base, status, error: text }, undelivered: recipients.map(asResult(resolved.failure)) };
  }
  const { via, port, hosts } = resolved.route;
  const finding = { network: outlet.settings.network, prefer: undefined, signal: undefined };
  const find = finderFor(resolved.route, addressesOf(resolved.route, routing, world), finding);
  const found = await Promise.all(hosts.map((host) => find(host)));
  const planned = hosts.map(({ name, preference }, index) => {
    const addresses = found[index] ?? [];
    if ('scope' in addresses) return { name, preference, status: addresses.status, error: addresses.text };
    return { name, preference, addresses };
  });
  const failures = found.filter((each): each is Failure => 'scope' in each);
  const [first] = failures;
  const hopeless = first !== undefined && failures.length === found.length;
  return {
    route: { ...base, via, port, hosts: planned },
    undelivered: hopeless ? recipients.map(asResult(failures.find((each) => !each.permanent) ?? first)) : [],
  };
}

/** The sender by this route, where it is another than that of the envelope. */
async function senderOf({ outlet }: Plan, delivery: Delivery): Promise<Pick<PlannedRoute, 'sender'>> {
  const { envelope } = await authored(delivery, outlet.settings, delivery.submitter);
  const sender = formatSender(envelope);
  return sender === formatSender(delivery.envelope) ? {} : { sender };
}

const asResult =
  (failure: Failure) =>
  (recipient: Recipient): Undelivered => ({
    outcome: failure.permanent ? 'failed' : 'deferred',
    recipient,
    failure,
  });

export const row = (label: string, text: string): string => `${label.padEnd(11)} ${text}`;

function envelopeLines({ delivery: { envelope }, refused }: Job): readonly string[] {
  return [
    row('Sender', formatSender(envelope) || '<>'),
    ...envelope.recipients.map((recipient) => row('Recipient', formatAddress(recipient.address))),
    ...refused.map(({ text, reason }) => row('Refused', `${text}: ${reason}`)),
  ];
}

function routeLines({
  destination,
  recipients,
  sender,
  via,
  port,
  hosts,
  status,
  error,
}: PlannedRoute): readonly string[] {
  const whom = recipients.length === 1 ? '1 recipient' : `${recipients.length} recipients`;
  if (hosts === undefined) return [row('Route', `${destination} (${whom}): ${error} (${status})`)];
  return [
    row('Route', `${destination} (${whom})${port === undefined ? '' : `, by ${via}, port ${port}`}`),
    ...(sender === undefined ? [] : [row('', `from ${sender || '<>'}`)]),
    ...hosts.map((host) => {
      const where = host.addresses?.join(', ') ?? `${host.error} (${host.status})`;
      return row('', `${String(host.preference).padStart(5)} ${host.name}: ${where}`);
    }),
  ];
}

function messageLines({ delivery: { message }, prepared }: Job): readonly string[] {
  const { size, eightBitHeader, eightBitBody, longestLine, nul } = message.facts;
  const traits = [
    `${size} bytes`,
    ...(eightBitHeader ? ['8-bit header'] : []),
    ...(eightBitBody ? ['8-bit body'] : []),
    ...(nul ? ['NUL'] : []),
    `longest line ${longestLine}`,
  ];
  return [
    row('Message', traits.join(', ')),
    ...prepared.added.map((field) => row('Added', field)),
    ...prepared.removed.map((name) => row('Removed', name)),
  ];
}
