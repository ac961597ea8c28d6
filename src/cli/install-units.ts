/*
 * The files that have the queue run by the system: for systemd a service that runs what is due, a timer that starts it
 * every five minutes and a path unit that starts it when something comes; for cron a line. Pure text.
 *
 * The service has no more rights than delivering needs. Memory that is written and run can't be forbidden: it is how
 * Node's compiler works.
 */

export interface Installation {
  readonly scope: 'user' | 'system';
  /** Absolute paths. */
  readonly program: string;
  readonly spool: string;
  readonly config?: string;
}

export interface InstalledFile {
  readonly name: string;
  readonly text: string;
}

/** The first line of each file of ours; one without it is somebody else's. */
export const MARK = '# Written by posthaste install; it may be written again.';

/** Minutes between two runs: the first retries of the schedule are a minute and five minutes apart. */
const EVERY = 5;

const words = ({ program, spool, config }: Installation): readonly string[] => [
  program,
  'queue',
  'run',
  `--spool=${spool}`,
  ...(config === undefined ? [] : [`--config=${config}`]),
];

/** systemd.service(5), "COMMAND LINES": quoted where need be, with the specifiers and variables that are none doubled. */
const systemdWord = (word: string): string => {
  const plain = word.replace(/[%$]/g, '$&$&');
  return /^[\w@+=:,./%-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
};

const shellWord = (word: string): string =>
  /^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** In a value that is a path, a blank is no end, but a specifier is one. */
const path = (text: string): string => text.replaceAll('%', '%%');

export function units(installation: Installation): readonly InstalledFile[] {
  const { scope, spool } = installation;
  return [
    { name: 'posthaste.service', text: service(installation) },
    {
      name: 'posthaste.timer',
      text: unit([
        '[Unit]',
        'Description=Run the mail queue of posthaste every few minutes',
        'Documentation=man:posthaste(1)',
        '',
        '[Timer]',
        scope === 'system' ? 'OnBootSec=1min' : 'OnStartupSec=1min',
        `OnUnitInactiveSec=${EVERY}min`,
        'AccuracySec=30s',
        '',
        '[Install]',
        'WantedBy=timers.target',
      ]),
    },
    {
      name: 'posthaste.path',
      text: unit([
        '[Unit]',
        'Description=Run the mail queue of posthaste when a message comes',
        'Documentation=man:posthaste(1)',
        '',
        '[Path]',
        `PathChanged=${path(spool)}/entry`,
        ...(scope === 'system' ? [`PathChanged=${path(spool)}/drop`] : []),
        '',
        '[Install]',
        scope === 'system' ? 'WantedBy=multi-user.target' : 'WantedBy=default.target',
      ]),
    },
  ];
}

const unit = (lines: readonly string[]): string => `${[MARK, ...lines].join('\n')}\n`;

function service(installation: Installation): string {
  const isSystem = installation.scope === 'system';
  return unit([
    '[Unit]',
    'Description=Deliver what waits in the mail queue of posthaste',
    'Documentation=man:posthaste(1)',
    ...(isSystem ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${words(installation).map(systemdWord).join(' ')}`,
    'UMask=0077',
    'Nice=5',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'SystemCallArchitectures=native',
    ...(isSystem ? sandbox(installation) : []),
  ]);
}

/** What needs the system's own systemd. */
const sandbox = ({ spool }: Installation): readonly string[] => [
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  'RestrictNamespaces=yes',
  'CapabilityBoundingSet=CAP_DAC_READ_SEARCH',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  `ReadWritePaths=-"${path(spool)}"`,
  'ReadWritePaths=-/var/log',
];

/** The line for a crontab; that of the system names the user. */
export function cronLine(installation: Installation): string {
  // cron takes a percent sign for the end of the line.
  const command = words(installation).map(shellWord).join(' ').replaceAll('%', '\\%');
  return `*/${EVERY} * * * * ${installation.scope === 'system' ? 'root ' : ''}${command}`;
}

/** The file for /etc/cron.d. */
export const cronFile = (installation: Installation): InstalledFile => ({
  name: 'posthaste',
  text: `${MARK}\n${cronLine(installation)}\n`,
});
