import { testRows } from '../support/fault-rows.ts';
import { DNS_ROWS } from './dns-rows.ts';

testRows(DNS_ROWS);
