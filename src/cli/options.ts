/**
 * The options of `posthaste send`, as a table: the parser, `--help`, the man page's test and the reader of the values
 * (`cli/values`) all start from it. sendmail's short flags keep their sendmail meaning; what is ours is spelled out.
 */

export type OptionKey =
  | 'file'
  | 'readRecipients'
  | 'ignoreDots'
  | 'compatible'
  | 'maxSize'
  | 'bodyType'
  | 'sender'
  | 'fullName'
  | 'notify'
  | 'return'
  | 'envelopeId'
  | 'relay'
  | 'port'
  | 'tls'
  | 'tlsCa'
  | 'tlsCert'
  | 'tlsKey'
  | 'tlsFingerprint'
  | 'requireTls'
  | 'auth'
  | 'passwordFile'
  | 'passwordCommand'
  | 'askPassword'
  | 'retryFor'
  | 'noQueue'
  | 'spool'
  | 'dryRun'
  | 'json'
  | 'log'
  | 'verbose'
  | 'config'
  | 'noAliases'
  | 'account'
  | 'headerSender'
  | 'skipEmpty'
  | 'setting'
  | 'tag'
  | 'ignored';

export interface OptionRow {
  readonly key: OptionKey;
  /** As commander reads them: `-f, --from <address>`. */
  readonly flags: string;
  readonly text: string;
  /** The heading in `--help`. */
  readonly group: 'Message' | 'Envelope' | 'Server' | 'Result';
  /** It is not in `--help`. */
  readonly hidden?: true;
}

const message = (key: OptionKey, flags: string, text: string): OptionRow => ({ key, flags, text, group: 'Message' });
const envelope = (key: OptionKey, flags: string, text: string): OptionRow => ({ key, flags, text, group: 'Envelope' });
const server = (key: OptionKey, flags: string, text: string): OptionRow => ({ key, flags, text, group: 'Server' });
const result = (key: OptionKey, flags: string, text: string): OptionRow => ({ key, flags, text, group: 'Result' });

/** sendmail's, without a meaning for `posthaste send`. */
const ignored = (flags: string): OptionRow => ({
  ...{ key: 'ignored', flags, text: 'accepted for sendmail’s sake', group: 'Message', hidden: true },
});

export const OPTIONS: readonly OptionRow[] = [
  message('file', '--file <file>', 'read the message from a file; - is standard input'),
  message('readRecipients', '-t', 'add the recipients named in To, Cc and Bcc'),
  message('fullName', '-F <name>', 'full name of the sender, where the message has no From'),
  message('maxSize', '--max-size <size>', 'refuse a larger message: bytes, or with K, M or G'),
  message('skipEmpty', '--skip-empty', 'send nothing, and be content, where the body is empty'),
  message('bodyType', '-B <type>', 'accepted for sendmail’s sake: the body is looked at instead'),
  message('ignoreDots', '-i', 'accepted for sendmail’s sake: a lone dot never ends the message'),
  message(
    'compatible',
    '-o <flag>',
    '-odi: try now (default), -odb: in the background, -odq: queue only; others are ignored',
  ),
  message('setting', '-O <setting>', 'DeliveryMode=i, b or q and RequireTLS=yes as above; others are ignored'),
  ...['-e <mode>', '-m', '-G', '-U', '-A <letter>', '-p <protocol>', '-X <file>', '-D <file>'].map(ignored),

  envelope('sender', '-f, --from <address>', 'sender of the envelope; an empty one or <> is nobody'),
  envelope('sender', '-r <address>', 'the same as -f'),
  envelope('headerSender', '--read-envelope-from', 'the sender is the address in From, where it has one'),
  envelope('noAliases', '-n', 'leave the names of this host: no aliases'),
  envelope('notify', '-N <list>', 'report to the sender: never, or a list of success, failure, delay'),
  envelope('return', '-R <what>', 'what such a report gives back: full or hdrs'),
  envelope('envelopeId', '-V <id>', 'the name of the envelope in such a report'),

  server('relay', '--relay <url>', 'send all through one server: smtp://, smtps://, smtp+starttls://, lmtp://'),
  server('account', '-a, --account <name>', 'send through this account of the configuration'),
  server('port', '--port <number>', 'port of MX hosts, instead of 25'),
  server('tls', '--tls <level>', 'none, may, encrypt or verify'),
  server('tlsCa', '--tls-ca <file>', 'trusted certificates: system, node or a PEM file'),
  server('tlsCert', '--tls-cert <file>', 'our own certificate (PEM)'),
  server('tlsKey', '--tls-key <file>', 'the key of our own certificate (PEM)'),
  server('tlsFingerprint', '--tls-fingerprint <hex>', 'SHA-256 of the only certificate trusted; may be repeated'),
  server('requireTls', '--require-tls', 'only over verified TLS, at each hop (REQUIRETLS)'),
  server('auth', '--auth <mechanism>', 'log in to the relay by this mechanism only'),
  server('passwordFile', '--password-file <file>', 'read the relay’s password from a file'),
  server('passwordCommand', '--password-command <command>', 'read the relay’s password from a command'),
  server('askPassword', '--ask-password', 'ask for the relay’s password on the terminal'),

  result('retryFor', '--retry-for <duration>', 'keep trying deferred recipients that long: 90s, 10m, 2h'),
  result('noQueue', '--no-queue', 'never put what is deferred into the queue: 75 instead'),
  result('spool', '--spool <folder>', 'where the queue is'),
  result('dryRun', '--dry-run', 'do all but sending, and say what would be done'),
  result('json', '--json', 'print the result as one JSON object'),
  result('log', '--log <file>', 'append a JSON line for each attempt and result'),
  result('tag', '-L <tag>', 'what syslog calls us, where the log of the queue goes there'),
  result('verbose', '-v, --verbose', 'show the dialogue with the servers; -vv shows more'),
  result('config', '--config <file>', 'read this configuration file'),
];
