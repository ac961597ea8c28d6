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
