import { sameAddress } from '../net/local-address.ts';

/** Our own name and addresses, which as an MX mean that mail would go round in a loop. */
export interface OwnNames {
  readonly hostname?: string;
  readonly addresses: readonly string[];
}

export const isOwn = (address: string, own: OwnNames): boolean =>
  own.addresses.some((mine) => sameAddress(mine, address));
