import type { TlsFacts } from '../mail/result.ts';
import type { TlsaRecord } from './dane.ts';

/** What is asked of one TLS handshake. */
export interface TlsPlan {
  /** For SNI and the name check; absent for an address literal. */
  readonly servername?: string;
  /**
   * `none`: any certificate (opportunistic). `chain`: by the CA store, with the name. `pinned`: by fingerprint alone.
   * `dane`: by TLSA records alone.
   */
  readonly check: 'none' | 'chain' | 'pinned' | 'dane';
  /** Those that count where `check` is `dane`: authentic and usable. */
  readonly tlsa?: readonly TlsaRecord[];
  /** What of the destination's own asks for the check. */
  readonly policy?: TlsFacts['policy'];
  /** Names of which the certificate must have one, where `check` is `chain`, or `dane` and the record is of usage 2. */
  readonly names: readonly string[];
  readonly fingerprints: readonly string[];
  /** `system`, `node`, or PEM text. */
  readonly ca: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** PEM text of the client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
}
