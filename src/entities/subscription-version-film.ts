import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { Reference } from './column-types.js';
import { Film } from './film.js';
import { SubscriptionVersion } from './subscription-version.js';

/** A film of a subscription version, immutable; the access check reads it. */
@Entity({ tableName: 'subscription_version_films' })
@Index({ name: 'subscription_version_films_by_film', properties: ['filmId'] })
export class SubscriptionVersionFilm {
  [PrimaryKeyProp]?: ['versionId', 'filmId'];

  @Reference(() => SubscriptionVersion, { primary: true }) versionId!: string;
  @Reference(() => Film, { primary: true }) filmId!: string;
}
