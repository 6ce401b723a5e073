import { BigIntType } from '@mikro-orm/core';

/** A bigint column read as a JavaScript number: check constraints keep amounts within ±(2^53-1). */
export const minorUnits = () => new BigIntType('number');
