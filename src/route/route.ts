import type { TlsLevel } from '../config/settings.ts';

/** A server's name with the addresses to try. */
export interface Host {
  /** A-labels in lower case, an address, or a socket's path. */
  readonly name: string;
  /** MX preference; 0 where there is no MX. */
  readonly preference: number;
  /** Its name and addresses were DNSSEC-validated. */
  readonly authentic: boolean;
}

/** The way from a destination to its ordered hosts. */
export interface Route {
  /** The recipients' domain, address literal, or the relay's URL without credentials. */
  readonly destination: string;
  readonly via: 'mx' | 'address' | 'relay';
  readonly protocol: 'smtp' | 'lmtp';
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls?: boolean;
  /** What the route itself asks for, where the settings say nothing. */
  readonly tls?: TlsLevel;
  /** Best first; equal preferences in random order already. */
  readonly hosts: readonly Host[];
}
