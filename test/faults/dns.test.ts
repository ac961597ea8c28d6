import { testRows } from '../support/fault-rows.ts';
import { DNS_ROWS } from './dns-rows.ts';
import { PACKET_ROWS } from './packet-rows.ts';

testRows([...DNS_ROWS, ...PACKET_ROWS]);
