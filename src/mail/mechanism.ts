/** The mechanisms that we can do, best first. */
export const MECHANISM_NAMES = [
  'EXTERNAL',
  'OAUTHBEARER',
  'XOAUTH2',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'CRAM-MD5',
  'PLAIN',
  'LOGIN',
] as const;

export type MechanismName = (typeof MECHANISM_NAMES)[number];

/** Narrows a name in upper case to one that we can do. */
export const isMechanism = (name: string): name is MechanismName => MECHANISM_NAMES.some((one) => one === name);
