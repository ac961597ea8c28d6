import type { Stage } from '../mail/result.ts';

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
}

/** Everything that a configuration file can say, with defaults applied. */
export interface Settings {
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
}
