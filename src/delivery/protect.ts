import type { TlsLevel, TlsSettings } from '../config/settings.ts';
import type { Route } from '../route/route.ts';
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

export interface ProtectionQuestion {
  readonly settings: TlsSettings;
  readonly material: TlsMaterial;
  readonly route: Route;
  readonly host: string;
  readonly requireTls: boolean;
  /** A user and a password will be sent. */
  readonly hasLogin: boolean;
}

/** The TLS policy of a session: opportunistic for MX (RFC 7435), verified for a relay, stricter where asked for. */
export function protect(question: ProtectionQuestion): Protection {
  const { settings, material, route, host, requireTls } = question;
  const level: TlsLevel = requireTls ? 'verify' : (settings.level ?? usualLevel(question));
  const pinned = settings.fingerprints.length > 0;
  const isName = !/^[\d.]+$|[:/]/.test(host);
  return {
    startTls: route.implicitTls === true || level === 'none' ? 'never' : level === 'may' && !pinned ? 'may' : 'must',
    implicit: route.implicitTls === true,
    requireTls,
    plan: {
      ...(isName ? { servername: host } : {}),
      check: pinned ? 'pinned' : level === 'verify' ? 'chain' : 'none',
      names: [host],
      fingerprints: settings.fingerprints,
      ca: material.ca,
      minVersion: settings.minVersion,
      ...(material.cert === undefined ? {} : { cert: material.cert }),
      ...(material.key === undefined ? {} : { key: material.key }),
    },
  };
}

/** Who is sent a password has to prove who it is, unless it was asked for otherwise. */
function usualLevel({ route, hasLogin }: ProtectionQuestion): TlsLevel {
  return hasLogin && route.protocol === 'smtp' ? 'verify' : (route.tls ?? 'may');
}
