import type { Stage } from '../mail/result.ts';
import type { Rate } from './rate.ts';

/** How a connection is to be protected (STARTTLS or implicit TLS). */
export type TlsLevel = 'none' | 'may' | 'encrypt' | 'verify';

export interface TlsSettings {
  /** Absent: `may` for MX, `verify` for a relay. */
  readonly level?: TlsLevel;
  /** `system` (OpenSSL's store), `node` (the list in Node), or the path of a PEM file. */
  readonly ca: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** PEM files of a client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** SHA-256 fingerprints (hex, colons optional), one of which the server's certificate must have; replaces other checks. */
  readonly fingerprints: readonly string[];
}

/** `host:port` or `address`, the latter on port 53. */
export interface DnsSettings {
  /** Absent: those of /etc/resolv.conf. */
  readonly servers?: readonly { readonly address: string; readonly port: number }[];
}

export interface LimitSettings {
  /** Recipients in one transaction. Default 100 (RFC 5321, section 4.5.3.1.8). */
  readonly recipients: number;
  /** Addresses tried for a destination in one attempt. Default 5. */
  readonly addresses: number;
  /** Greeted sessions for a destination in one attempt. Default 2. */
  readonly sessions: number;
  /** Destinations delivered to at the same time. Default 10. */
  readonly destinations: number;
  /** Octets of the largest message accepted; 0 is no limit. Default 0. */
  readonly messageSize: number;
  /** How fast messages leave the queue for one destination at most. Absent: as fast as they can. */
  readonly rate?: Rate;
}

export interface SpoolSettings {
  /** Absolute. Absent: /var/spool/posthaste for root, $XDG_STATE_HOME/posthaste/spool for others. */
  readonly dir?: string;
  /** Default true; without it, a power cut may lose what was accepted. */
  readonly fsync: boolean;
}

/** What other users may put into the drop of a spool. */
export interface DropSettings {
  /** `own`: the sender is the user's own address, whatever he said. Default `any`. */
  readonly senders: 'own' | 'any';
  /** Messages of one user that wait in the spool, after which the others stay in the drop. Default 1000. */
  readonly messages: number;
  /** Octets of the largest message. Default 64 MiB. */
  readonly size: number;
}

/** All in milliseconds. */
export interface RetrySettings {
  /** Between the first attempt and the second, and so on; the last one repeats. At least one. */
  readonly pauses?: readonly number[];
  /** When a message that is still in the queue comes back to the sender. */
  readonly expire?: number;
  /** When the sender is told that it is still in the queue; 0 is never. */
  readonly delayWarning?: number;
}

export interface RunnerSettings {
  /** Milliseconds that the background runner waits for work that is not due yet. Default one hour. */
  readonly linger: number;
  /** Sessions at the same time. Default 20. */
  readonly sessions: number;
  /** Sessions with one destination at the same time. Default 5. */
  readonly destinationSessions: number;
  /** Transactions in one session. Default 100. */
  readonly transactions: number;
}

export interface BounceSettings {
  /** Octets of the largest message that is given back whole. Default 51,200. */
  readonly size: number;
  /** Bounces to one address in an hour, after which they are gathered into one; 0 is no limit. Default 10. */
  readonly digest: number;
}

/** Which addresses of a host are used, and which come first. */
export type IpPreference = 'any' | '4' | '6' | 'prefer-4' | 'prefer-6';

/** A SOCKS5 proxy (RFC 1928). */
export interface SocksProxy {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
}

export interface NetworkSettings {
  readonly ip: IpPreference;
  /** Our own addresses to connect from: at most one of each family. */
  readonly source: readonly string[];
  readonly proxy?: SocksProxy;
}

/** `keep`: only where nobody said who a message is from; `envelope`: its sender always; `force`: in the header too. */
export type FromMode = 'keep' | 'envelope' | 'force';

/** Where the password of a login is found, and by which mechanism it is used; nothing in it is secret. */
export interface LoginSettings {
  readonly user?: string;
  readonly auth?: string;
  readonly passwordFile?: string;
  /** Others may be able to read the file, as those that containers are given. */
  readonly openPasswordFile?: boolean;
  readonly passwordCommand?: string;
  /** In the place of a password. */
  readonly oauth?: OAuthSettings;
}

/** How access tokens are had (RFC 6749): from a program, or from a provider whose client we are. */
export interface OAuthSettings {
  /** Prints an access token; the others are not there then. */
  readonly tokenCommand?: string;
  /** Endpoints and scope by a name. */
  readonly provider?: 'google' | 'microsoft';
  /** Microsoft's name for an organisation. */
  readonly tenant?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly authUrl?: string;
  readonly deviceUrl?: string;
  readonly tokenUrl?: string;
  readonly scope?: string;
  /** `device`: RFC 8628; `code`: RFC 8252; `client`: RFC 6749, section 4.4. */
  readonly flow?: 'device' | 'code' | 'client';
}

/** A relay with what belongs to it, by a name. */
export interface Account extends LoginSettings {
  /** Anything that `via` of a route can be, but for another account. */
  readonly url: string;
  /** Patterns of senders whose mail goes through it, where no route says otherwise. */
  readonly senders: readonly string[];
  readonly over: Variation;
}

/** Which mail goes which way; the first that matches is taken. */
export interface RouteRule {
  /** Patterns (`example.org`, `*.example.org`, `ann@example.org`, `root@*`); none: all. */
  readonly recipients: readonly string[];
  readonly senders: readonly string[];
  readonly uids: readonly number[];
  /** Tried in their order. */
  readonly via: readonly string[];
  readonly over: Variation;
}

/** What a route or an account may say otherwise than the settings for all mail. */
export interface Variation {
  readonly from?: string;
  readonly fromMode?: FromMode;
  readonly hostname?: string;
  readonly dsn?: boolean;
  readonly network?: Partial<NetworkSettings>;
  readonly tls?: Partial<TlsSettings>;
  readonly timeouts?: Settings['timeouts'];
  readonly retry?: RetrySettings;
  readonly limits?: { readonly rate?: Rate };
  readonly runner?: { readonly destinationSessions?: number };
  readonly mx?: { readonly port?: number };
}

export interface SendmailSettings {
  /** What a line of one dot means without `-i`. Default `eof-only`. */
  readonly loneDot: 'classic' | 'eof-only' | 'ignore';
  /** A message without a body is not sent. Default false. */
  readonly skipEmpty: boolean;
  /** Milliseconds in which messages that are the same are gathered into one; 0 is never. Default 0. */
  readonly repeatWindow: number;
}

/** Everything that a configuration file can say, with defaults applied. */
export interface Settings {
  /** Why a file of the system could not be read by this user: what it says is not known, and only root may go its way. */
  readonly unread?: string;
  /** The address that mail is from, with `%u` for the user and `%h` for the host. */
  readonly from?: string;
  /** Default `force`. */
  readonly fromMode: FromMode;
  /** What reports of delivery are asked of servers for. Default true. */
  readonly dsn: boolean;
  readonly network: NetworkSettings;
  /** Takes what no route takes: anything that `via` of a route can be. Absent: MX. */
  readonly relay?: string;
  /** For the relay. */
  readonly login: LoginSettings;
  /** The name of the account that takes what no route takes. */
  readonly account?: string;
  readonly accounts: Readonly<Record<string, Account>>;
  readonly routes: readonly RouteRule[];
  /** Where mail for users of this host goes that no alias leads away: `relay`, `reject`, `maildir:…`, `mbox:…`. */
  readonly local: string;
  readonly sendmail: SendmailSettings;
  /** Qualifies addresses without a domain. */
  readonly domain?: string;
  /** Our name in EHLO and Message-ID. */
  readonly hostname?: string;
  readonly dns: DnsSettings;
  readonly mx: {
    /** Default 25. */
    readonly port: number;
    /** MX hosts on loopback, unspecified, link-local and broadcast addresses are used; for tests. */
    readonly allowLocal: boolean;
  };
  readonly tls: TlsSettings;
  /** Seconds; each stage's own limit replaces that of `smtp/stages`. */
  readonly timeouts: Partial<Readonly<Record<Stage, number>>>;
  readonly limits: LimitSettings;
  readonly spool: SpoolSettings;
  readonly drop: DropSettings;
  /** Absent members have their defaults in `queue/schedule`. */
  readonly retry: RetrySettings;
  readonly runner: RunnerSettings;
  readonly bounce: BounceSettings;
  /** Names and what they stand for, as on the two sides of a line of /etc/aliases, over which they go. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Where the queue's events are told: a path, `stderr`, `syslog` or `none`. Absent: a file beside the spool. */
  readonly log?: string;
}
