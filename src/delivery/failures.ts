import type { Failure } from '../mail/result.ts';

/** The process was told to end before this was decided. */
export const INTERRUPTED: Failure = {
  scope: 'destination',
  permanent: false,
  stage: 'connect',
  status: '4.3.2',
  text: 'interrupted before delivery',
};

/** No host of the route is left, and none gave a reason. */
export const NO_HOST: Failure = {
  scope: 'destination',
  permanent: false,
  stage: 'connect',
  status: '4.4.1',
  text: 'no host could be tried',
};

/** RFC 8689, section 4.2.1. */
export const NOT_AUTHENTIC: Failure = {
  scope: 'destination',
  permanent: true,
  stage: 'resolve',
  status: '5.7.30',
  text: 'TLS is required on the whole way, but neither DNSSEC nor an MTA-STS policy says which hosts are the right ones',
};

/** A host is not as its domain publishes. */
export const MEND_OR_LESS =
  'Its operator has to mend it, or what is published; where you know that it is right, --tls may ("tls.level") goes on without';

/** The status of a failure that `FindMeans` gives (RFC 3463: system incorrectly configured). */
export const MISCONFIGURED = '4.3.5';
