import type { TlsLevel, TlsSettings } from '../config/settings.ts';
import type { Route } from '../route/route.ts';
import type { TlsaRecord } from '../tls/dane.ts';
import type { TlsPlan } from '../tls/policy.ts';

/** PEM text that the TLS settings name; read once by whoever may touch files. */
export interface TlsMaterial {
  /** `system`, `node`, or PEM text. */
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** How one session is protected. */
export interface Protection {
  readonly startTls: 'never' | 'may' | 'must';
  readonly implicit: boolean;
  /** RFC 8689: a server that can't do it is passed over for good. */
  readonly requireTls: boolean;
  readonly plan: TlsPlan;
}

/** What the destination itself asks of a session with one of its hosts. */
export type Demand =
  /** One of the records must match (RFC 7672). */
  | {
      readonly kind: 'dane';
      readonly records: readonly TlsaRecord[];
      /** The host that they are published for, and what else the certificate may be for. */
      readonly names: readonly [string, ...string[]];
    }
  /** There are records, and none that mail can use: TLS with any certificate (RFC 7672, section 2.2). */
  | { readonly kind: 'encrypt' }
  /** A certificate for the host, of an issuer that is known (RFC 8461, section 4.2). */
  | { readonly kind: 'mta-sts' };

export interface ProtectionQuestion {
  readonly settings: TlsSettings;
  readonly material: TlsMaterial;
  readonly route: Route;
  readonly host: string;
  readonly requireTls: boolean;
  /** A user and a password will be sent. */
  readonly hasLogin: boolean;
  readonly demand?: Demand | undefined;
}

/**
 * The TLS policy of a session: for MX as it is published, else opportunistic (RFC 7435); verified for a relay; stricter
 * where asked for.
 */
export function protect(question: ProtectionQuestion): Protection {
  const { settings, material, route, host, requireTls, demand } = question;
  const isChecked = requireTls || demand?.kind === 'mta-sts';
  const level: TlsLevel = isChecked ? 'verify' : (settings.level ?? usualLevel(question));
  const pinned = settings.fingerprints.length > 0;
  const dane = demand?.kind === 'dane' && !pinned ? demand : undefined;
  // RFC 7672, section 8.1: a server may have a certificate for each of its names.
  const name = dane?.names[0] ?? host;
  const isName = !/^[\d.]+$|[:/]/.test(name);
  return {
    startTls: route.implicitTls === true || level === 'none' ? 'never' : level === 'may' && !pinned ? 'may' : 'must',
    implicit: route.implicitTls === true,
    requireTls,
    plan: {
      ...(isName ? { servername: name } : {}),
      check: pinned ? 'pinned' : dane !== undefined ? 'dane' : level === 'verify' ? 'chain' : 'none',
      names: dane?.names ?? [host],
      ...(dane === undefined ? {} : { tlsa: dane.records }),
      ...(pinned || demand === undefined || demand.kind === 'encrypt' ? {} : { policy: demand.kind }),
      fingerprints: settings.fingerprints,
      ca: material.ca,
      minVersion: settings.minVersion,
      ...(material.cert === undefined ? {} : { cert: material.cert }),
      ...(material.key === undefined ? {} : { key: material.key }),
    },
  };
}

/** Who is sent a password has to prove who it is, unless it was asked for otherwise. */
function usualLevel({ route, hasLogin, demand }: ProtectionQuestion): TlsLevel {
  if (demand !== undefined) return 'encrypt';
  return hasLogin && route.protocol === 'smtp' ? 'verify' : (route.tls ?? 'may');
}
