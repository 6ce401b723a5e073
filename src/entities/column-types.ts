import { BigIntType } from '@mikro-orm/core';

/** A bigint column read as a JavaScript number: amounts are kept within ±(2^53-1) by check constraints. */
export const minorUnits = () => new BigIntType('number');
