import { testRows } from '../support/fault-rows.ts';
import { END_ROWS } from './end-rows.ts';
import { ENVELOPE_ROWS } from './envelope-rows.ts';
import { MESSAGE_ROWS } from './message-rows.ts';

testRows([...ENVELOPE_ROWS, ...MESSAGE_ROWS, ...END_ROWS]);
