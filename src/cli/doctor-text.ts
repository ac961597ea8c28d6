import type { Finding } from '../doctor/finding.ts';
import { escapeControls } from '../mail/printable.ts';
import type { DoctorJson } from './doctor.ts';
import { row } from './dry-run.ts';

/** A report as lines for a person. What servers say is escaped. */
export function reportLines({ common, subjects, sender, goes }: DoctorJson): readonly string[] {
  const all = [...common, ...sender, ...subjects.flatMap(({ ways }) => ways.flatMap(({ findings }) => findings))];
  const count = (verdict: Finding['verdict'], word: string): string[] => {
    const found = all.filter((finding) => finding.verdict === verdict).length;
    return found === 0 ? [] : [`${found} ${word}${found === 1 ? '' : 's'}`];
  };
  const counts = [...count('failure', 'failure'), ...count('warning', 'warning')].join(', ');
  return [
    ...common.flatMap(findingLines),
    ...subjects.flatMap(({ name, ways }) => [
      row('For', name),
      ...ways.flatMap(({ way, findings }, index) => [
        row(ways.length === 1 ? 'Way' : `Way ${index + 1}`, way),
        ...findings.flatMap(findingLines),
      ]),
    ]),
    ...(sender.length === 0 ? [] : ['Sender', ...sender.flatMap(findingLines)]),
    row('Result', `${goes ? 'mail would go' : 'mail would not go'}${counts === '' ? '' : ` (${counts})`}`),
  ].map(escapeControls);
}

function findingLines({ check, verdict, subject, text, advice }: Finding): readonly string[] {
  const about = subject === undefined ? text : `${subject}: ${text}`;
  return [
    `  ${verdict.padEnd(8)} ${check.padEnd(11)} ${about}`,
    ...(advice === undefined ? [] : [`${''.padEnd(23)}${advice}`]),
  ];
}
