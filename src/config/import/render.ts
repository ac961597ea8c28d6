import type { Fields, Imported, Value } from './imported.ts';

/** Where the password of an account is, by its name; an account that is missing has it nowhere. */
export type PasswordFiles = Readonly<Record<string, string>>;

/** The text of a configuration file of ours. No password is in it. */
export function render({ root, accounts, routes, left }: Imported, title: string, passwords: PasswordFiles): string {
  const blocks = [
    [`# ${plain(title)}`, ...left.map((each) => `# not taken over: ${plain(told(each))}`)],
    rows(root),
    ...accounts.map(({ name, fields, password }) => [
      `[account.${keyOf(name)}]`,
      ...rows(fields),
      ...(password === undefined ? [] : passwordRows(passwords[name])),
    ]),
    ...routes.map((fields) => ['[[route]]', ...rows(fields)]),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** What was left out, with its line. */
export const told = ({ line, text }: Imported['left'][number]): string => (line === 0 ? text : `line ${line}: ${text}`);

const passwordRows = (file: string | undefined): readonly string[] =>
  file === undefined
    ? [
        '# The password is left out. Write it into a file that only you can read (mode 0600), and name that here:',
        '# password_file = "/etc/posthaste/password"',
      ]
    : [`password_file = ${written(file)}`];

const rows = (fields: Fields): readonly string[] =>
  Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${keyOf(key)} = ${written(value)}`]));

const keyOf = (key: string): string => (/^[\w-]+$/.test(key) ? key : textOf(key));

function written(value: Value): string {
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(textOf).join(', ')}]`;
  return `{ ${Object.entries(value)
    .map(([key, each]) => `${keyOf(key)} = ${written(each)}`)
    .join(', ')} }`;
}

const isList = (value: Value): value is readonly string[] => Array.isArray(value);

/** JSON's strings are TOML's, but for DEL, which TOML wants escaped. */
const textOf = (text: string): string => JSON.stringify(text).replaceAll('\x7f', '\\u007f');

const plain = (text: string): string => text.replace(/[\0-\x1f\x7f]+/g, ' ');
