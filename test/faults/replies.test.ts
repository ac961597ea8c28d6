import { testRows } from '../support/fault-rows.ts';
import { REPLY_ROWS } from './reply-rows.ts';
import { UNASKED_ROWS } from './unasked-rows.ts';

testRows([...REPLY_ROWS, ...UNASKED_ROWS]);
