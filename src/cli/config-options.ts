import { OPTIONS } from './options.ts';
import type { FormRow } from './program.ts';

/** The commands of `posthaste config` and their options, as a table: the parser, the help and the man page's test start from it. */

export type ConfigKey =
  | 'config'
  | 'force'
  | 'from'
  | 'json'
  | 'passwordFile'
  | 'relay'
  | 'system'
  | 'user'
  | 'verbose'
  | (typeof SHOWN)[number];

/** The options of `posthaste send` that are settings. */
export const SHOWN = [
  ...(['relay', 'account', 'port', 'maxSize', 'auth', 'passwordFile', 'passwordCommand', 'spool'] as const),
  ...(['tls', 'tlsCa', 'tlsCert', 'tlsKey', 'tlsFingerprint'] as const),
] as const;

export interface ConfigCommand {
  readonly text: string;
  readonly operands: 'file' | 'none';
  readonly rows: readonly FormRow<ConfigKey>[];
}

const row = (key: ConfigKey, flags: string, text: string): FormRow<ConfigKey> => ({ key, flags, text });

const CONFIG = row('config', '--config <file>', 'only this configuration file');

export const CONFIG_COMMANDS = {
  check: {
    text: 'say all that is wrong with a file, or with all that are read',
    operands: 'file',
    rows: [CONFIG, row('verbose', '-v, --verbose', 'name the files that are right, too')],
  },
  show: {
    text: 'the settings that hold, and where each of them comes from',
    operands: 'none',
    rows: [
      CONFIG,
      row('json', '--json', 'print JSON'),
      ...OPTIONS.flatMap(({ key, flags, text }) => {
        const known = SHOWN.find((each) => each === key);
        return known === undefined ? [] : [{ ...row(known, flags, text), group: 'As posthaste send takes them' }];
      }),
    ],
  },
  path: { text: 'the files that are looked for, and which are there', operands: 'none', rows: [CONFIG] },
  init: {
    text: 'write a file to begin with, after some questions or without any',
    operands: 'none',
    rows: [
      row('relay', '--relay <url>', 'ask nothing, and send all mail there; mx is directly'),
      row('from', '--from <address>', 'the address that mail is from'),
      row('passwordFile', '--password-file <file>', 'the file with the relay’s password'),
      row('user', '--user', 'for ourselves'),
      row('system', '--system', 'for all users, in /etc/posthaste'),
      row('force', '--force', 'replace a file that is there'),
    ],
  },
  schema: { text: 'a JSON schema of the file, for editors', operands: 'none', rows: [] },
} as const satisfies Record<string, ConfigCommand>;

export type ConfigCommandName = keyof typeof CONFIG_COMMANDS;

export const isConfigCommand = (name: string): name is ConfigCommandName => Object.hasOwn(CONFIG_COMMANDS, name);
