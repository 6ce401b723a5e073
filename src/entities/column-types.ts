import { BigIntType, type ManyToOneOptions, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { Enum, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

interface ColumnOptions {
  readonly nullable?: boolean;
  readonly unique?: boolean;
  readonly default?: number | string;
}

/** A bigint column read as a JavaScript number: check constraints keep amounts within ±(2^53-1). */
export const minorUnits = () => new BigIntType('number');

const columnOf =
  (type: () => object) =>
  (options: ColumnOptions = {}) =>
    Property({ ...type(), ...options });

export const Uuid = columnOf(() => ({ type: 'uuid' }));
export const Text = columnOf(() => ({ type: 'text' }));
export const Int = columnOf(() => ({ type: 'int' }));
export const MinorUnits = columnOf(() => ({ type: minorUnits() }));
/** To the millisecond. */
export const Instant = columnOf(() => ({ type: 'timestamptz', length: 3 }));

export const Id = () => PrimaryKey({ type: 'uuid' });

/** One of these texts; a check constraint rejects others. */
export const OneOf = (values: readonly string[], options: ColumnOptions = {}) =>
  Enum({ type: 'text', items: () => [...values], ...options });

const names = new UnderscoreNamingStrategy();

/** A foreign key, read as the id of the other row. It has no index of its own: entities declare those that reads need. */
export const Reference =
  (entity: () => new () => object, options: Partial<ManyToOneOptions<object, object>> = {}) =>
  (target: object, property: string) =>
    ManyToOne(entity, {
      mapToPk: true,
      fieldName: names.propertyToColumnName(property),
      updateRule: 'no action',
      deleteRule: 'no action',
      ...options,
    })(target, property);
