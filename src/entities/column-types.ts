import { BigIntType } from '@mikro-orm/core';

/** A bigint column read as a JavaScript number: amounts are kept within ±(2^53-1) by check constraints. */
export const minorUnits = () => new BigIntType('number');

/** The least and the greatest amount that JavaScript and JSON carry exactly. */
export const LARGEST_EXACT_AMOUNT = 9_007_199_254_740_991;
