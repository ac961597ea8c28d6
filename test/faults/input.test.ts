import { testRows } from '../support/fault-rows.ts';
import { HEADER_ROWS } from './header-rows.ts';
import { INPUT_ROWS } from './input-rows.ts';
import { SMUGGLING_ROWS } from './smuggling-rows.ts';

testRows([...INPUT_ROWS, ...HEADER_ROWS, ...SMUGGLING_ROWS]);
