import type { AliasStep } from '../config/aliases.ts';
import { formatAddress } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { escapeControls } from '../mail/printable.ts';
import { planRoutes } from '../route/plan.ts';
import { lookUp, routeLines, row } from './dry-run.ts';
import { nobody, readRecipients, readSender } from './envelope.ts';
import { withEnvironment } from './environment.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { expandFully, refusedTarget } from './expand.ts';
import { readMeans } from './means.ts';
import type { RefusedAddress } from './output.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { orFailure, wayOf } from './way.ts';

/**
 * `sendmail -bv ADDRESS…`: what each address becomes by the aliases, and the hosts that its mail would go to. Nothing is
 * sent and no connection is made; the exit status is that of what is known already to fail.
 */
export async function showRecipients(given: SendOptions, around: Surroundings): Promise<ExitCode> {
  if (given.words.length === 0) throw nobody('-bv needs an address to look at');
  const options = withEnvironment(given, around.env);
  const means = await readMeans(options, around);
  const { identity, settings, table } = means;
  const named = readRecipients({ ...options, readRecipients: false }, [], identity.domain);
  const refused: RefusedAddress[] = [...named.refused];
  const readers = new Map<string, Recipient>();
  const lines = named.refused.map(refusedRow);
  for (const each of named.recipients) {
    const asked = { recipients: [each], settings, identity, aliases: options.aliases };
    const expansion = expandFully(asked, around);
    const targets = expansion.refused.map(refusedTarget);
    refused.push(...targets);
    lines.push(
      row('Address', formatAddress(each.address)),
      ...expansion.steps.map(stepRow),
      ...targets.map(refusedRow),
    );
    for (const recipient of expansion.recipients) {
      const text = formatAddress(recipient.address);
      readers.set(text, recipient);
      lines.push(row('Recipient', text));
    }
  }
  const sender = readSender(options, identity.domain, around.surface);
  const submitter = means.submitterOf({ uid: around.surface.userId(), way: wayOf(options, around) });
  const plans = planRoutes([...readers.values()], table, { sender, ...submitter });
  const world = around.openWorld(settings);
  const looked = await Promise.all(plans.map((plan) => lookUp(plan, orFailure(means.open), world)));
  lines.push('', ...looked.flatMap(({ route }) => routeLines(route)));
  around.stdout.write(`${lines.map(escapeControls).join('\n')}\n`);
  return exitCode(
    looked.flatMap(({ undelivered }) => undelivered),
    refused.length,
  );
}

const refusedRow = ({ text, reason }: RefusedAddress): string => row('Refused', `${text}: ${reason}`);

function stepRow({ from, to, file, line }: AliasStep): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return row('Alias', `${from} is ${to.join(', ')} (${place})`);
}
