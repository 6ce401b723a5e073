import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, ManyToOne } from '@mikro-orm/decorators/legacy';
import { Film } from './film.js';
import { SubscriptionVersion } from './subscription-version.js';

/** A film of a subscription version, immutable; the access check reads it. */
@Entity({ tableName: 'subscription_version_films' })
@Index({ name: 'subscription_version_films_by_film', properties: ['filmId'] })
export class SubscriptionVersionFilm {
  [PrimaryKeyProp]?: ['versionId', 'filmId'];

  @ManyToOne(() => SubscriptionVersion, {
    mapToPk: true,
    primary: true,
    fieldName: 'version_id',
    updateRule: 'no action',
    deleteRule: 'no action',
  })
  versionId!: string;

  @ManyToOne(() => Film, { mapToPk: true, primary: true, fieldName: 'film_id', updateRule: 'no action', deleteRule: 'no action' })
  filmId!: string;
}
