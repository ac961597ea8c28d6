/** What is asked of one TLS handshake. */
export interface TlsPlan {
  /** For SNI and the name check; absent for an address literal. */
  readonly servername?: string;
  /** `none`: any certificate (opportunistic). `chain`: by the CA store, with the name. `pinned`: by fingerprint alone. */
  readonly check: 'none' | 'chain' | 'pinned';
  /** Names of which the certificate must have one, where `check` is `chain`. */
  readonly names: readonly string[];
  readonly fingerprints: readonly string[];
  /** `system`, `node`, or PEM text. */
  readonly ca: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** PEM text of the client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
}
