const named = (...names: readonly string[]): readonly string[] => names.map((name) => `POSTHASTE_${name}`);

/** The variables that stand for options (`cli/environment`, which is loaded only where one of them is set). */
export const OPTION_VARIABLES = named('URL', 'ACCOUNT', 'FROM', 'HOSTNAME', 'TLS', 'TLS_CA');

/** All variables of ours; the last three are for our own processes. */
export const VARIABLES: readonly string[] = [
  ...OPTION_VARIABLES,
  ...named(
    'CONFIG',
    'PASSWORD',
    'PASSWORD_FILE',
    'OPEN_PASSWORD_FILE',
    'SPOOL',
    'DROP',
    'LOG',
    'STATE',
    'IGNORED_SIGNALS',
    'PASSWORD_RELAY',
  ),
];
