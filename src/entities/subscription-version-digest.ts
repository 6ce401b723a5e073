import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Property } from '@mikro-orm/decorators/legacy';
import { Reference } from './column-types.js';
import { SubscriptionVersion } from './subscription-version.js';

/** SHA-256 of a version's terms and films as they were created, written by a trigger. Immutable (enforced by triggers). */
@Entity({ tableName: 'subscription_version_digests' })
export class SubscriptionVersionDigest {
  [PrimaryKeyProp]?: 'versionId';
  @Reference(() => SubscriptionVersion, { primary: true }) versionId!: string;
  @Property({ type: 'blob' }) digest!: Buffer;
}
