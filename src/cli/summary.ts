import type { Summary } from '../message/inspect.ts';

/** What a message says, as lines that are still to be escaped. */
export function summaryLines(summary: Summary | undefined): readonly string[] {
  if (summary === undefined) return ['The message can’t be summarised.'];
  const { from, to, cc, subject, date, parts, preview, truncated } = summary;
  const field = (label: string, text: string | undefined) => (text === undefined ? [] : [row(label, text)]);
  return [
    ...field('From', from),
    ...field('To', to),
    ...field('Cc', cc),
    ...field('Subject', subject),
    ...field('Date', date),
    ...parts.map(({ type, size, filename }) => row('Part', `${type}, ${size} bytes${filename ? `, ${filename}` : ''}`)),
    ...(truncated ? [row('', 'only the beginning of the message was looked at')] : []),
    ...(preview === '' ? [] : ['', ...preview.split('\n')]),
  ];
}

const row = (label: string, text: string): string => `${label.padEnd(11)} ${text}`;
