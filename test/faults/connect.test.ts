import { testRows } from '../support/fault-rows.ts';
import { CONNECT_ROWS } from './connect-rows.ts';

testRows(CONNECT_ROWS);
