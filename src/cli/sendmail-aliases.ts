import { expandAliases, type NamedRecipient } from '../config/aliases.ts';
import { quoted } from '../mail/printable.ts';
import { withEnvironment } from './environment.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { localNames, readTable } from './expand.ts';
import { identify } from './identity.ts';
import { line } from './output.ts';
import { readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/**
 * `newaliases` and `sendmail -bi`: there is no database to be made, so the aliases are only checked, those of the system
 * and those of the configuration: their form, where they lead, and the files that they include. Silent where all is well.
 */
export async function checkAliases(options: SendOptions, around: Surroundings): Promise<ExitCode> {
  const settings = await readSettings(withEnvironment(options, around.env), around);
  const identity = identify(settings, around.surface);
  const { domain } = identity;
  const { table, faults } = readTable(settings, around);
  const asked = [...table.values()].map(({ name }): NamedRecipient => {
    const at = name.lastIndexOf('@');
    if (at < 0) return { address: { local: name, domain }, unqualified: true };
    return { address: { local: name.slice(0, at), domain: name.slice(at + 1) } };
  });
  const { refused } = expandAliases(asked, table, {
    domain,
    isLocal: localNames(identity, around),
    readInclude: (path) => around.readAliases(path),
  });
  // The reading of the table told of those already.
  const told = new Set(
    [...table.values()].flatMap((alias) =>
      alias.targets.flatMap((each) => (each.kind === 'refused' ? [each.text] : [])),
    ),
  );
  const unusable = refused.filter(({ text }) => !told.has(text));
  const targets = unusable.map(
    ({ recipient, text, reason }) => `alias of ${quoted(recipient.address.local)}: target ${quoted(text)}: ${reason}`,
  );
  for (const text of [...faults, ...targets]) around.stderr.write(line(text));
  if (options.verbose > 0) around.stdout.write(`${table.size} aliases\n`);
  return faults.length + targets.length === 0 ? EXIT.ok : EXIT.data;
}
