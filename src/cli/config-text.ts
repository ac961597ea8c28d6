import { writeValue } from '../config/written.ts';

/** What a first configuration says. */
export interface Beginning {
  /** A way for mail; `mx` is directly. */
  readonly relay: string;
  /** Absolute. */
  readonly passwordFile?: string;
  readonly from?: string;
  /** Who reads root's mail. */
  readonly root?: string;
}

export interface Frame {
  /** The URL of the JSON schema, which editors read. */
  readonly schema: string;
  readonly isSystem: boolean;
}

/** The text of the file, with a comment for each thing that people want next. */
export function beginningText({ relay, passwordFile, from, root }: Beginning, { schema, isSystem }: Frame): string {
  const said = (key: string, value: string | undefined, example: string): string =>
    value === undefined ? `#${key} = ${writeValue(example)}` : `${key} = ${writeValue(value)}`;
  const hasLogin = relay.includes('@');
  const whose = isSystem ? 'all users read this file: no password belongs in it' : 'no password belongs in this file';
  return `${[
    `#:schema ${schema}`,
    `# The configuration of posthaste; ${whose}.`,
    '# "posthaste config check" says what is wrong, "posthaste config show" what holds; all keys are in posthaste.toml(5).',
    '',
    '# Takes all mail: a server, as smtps://user@host or smtp+starttls://user@host:587; "mx" is directly to the servers',
    '# of each recipient; "file:outbox" keeps it here, for development.',
    `relay = ${writeValue(relay)}`,
    ...(hasLogin || passwordFile !== undefined
      ? ['', '# The password, alone in a file that "chmod 600" has closed to others, or printed by a command.']
      : ['', '# The password for a relay with a user, in a file closed to others, or printed by a command.']),
    said('password_file', passwordFile, isSystem ? '/etc/posthaste/password' : 'password'),
    `#password_command = ${writeValue('pass show mail')}`,
    '',
    '# The address that all mail is from, where the relay takes no other; "%u" is the user, "%h" the host.',
    said('from', from, 'alerts@example.com'),
    '',
    '# The domain of addresses without one.',
    `#domain = ${writeValue('example.com')}`,
    '',
    '[aliases]',
    '# Who reads the mail of names on this host, such as that of cron; these go over /etc/aliases.',
    said('root', root, 'ann@example.com'),
    '',
    '# Mail for some recipients goes another way.',
    '#[[route]]',
    `#recipient = [${writeValue('corp.example')}, ${writeValue('*.corp.example')}]`,
    `#via = ${writeValue('smtp://mail.corp.example')}`,
  ].join('\n')}\n`;
}
