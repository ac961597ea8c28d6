import type { MechanismName } from '../../mail/mechanism.ts';

/** Which mechanism each account was used with, by a key of host, port and user; no secret is in it. Never throws. */
export interface LoginMemory {
  strongest(key: string): string | undefined;
  remember(key: string, mechanism: MechanismName): void;
}

/** It binds the login to the TLS connection. */
export const isBound = (name: MechanismName): boolean => name.endsWith('-PLUS');

/**
 * How much of a password somebody in the middle could get; undefined for what takes none. Bound to the connection: nothing,
 * not even this login. SCRAM: nothing but this login. CRAM-MD5: what is guessed quickly. PLAIN and LOGIN: all of it.
 */
export function strengthOf(name: MechanismName): number | undefined {
  switch (name) {
    case 'SCRAM-SHA-256-PLUS':
    case 'SCRAM-SHA-1-PLUS':
      return 3;
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-1':
      return 2;
    case 'CRAM-MD5':
      return 1;
    case 'PLAIN':
    case 'LOGIN':
      return 0;
    case 'EXTERNAL':
    case 'OAUTHBEARER':
    case 'XOAUTH2':
      return undefined;
  }
}
