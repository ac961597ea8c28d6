import type { Header } from '../message/header.ts';
import { encodeHeader, qualifyHeader } from '../message/repair.ts';
import type { Manner } from './sendmail-flags.ts';

/** What a sendmail makes of a header; loaded only under its name. */
export const amendment =
  ({ qualify, encode }: Manner, domain: string) =>
  (header: Header): Header => {
    const qualified = qualify ? qualifyHeader(header, domain) : header;
    return encode ? encodeHeader(qualified) : qualified;
  };
