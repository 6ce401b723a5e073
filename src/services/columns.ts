/** Selects columns under the names of the entity's properties. */
function columnsOf(...properties: string[]): string {
  return properties
    .map((property) => {
      const column = property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return column === property ? column : `${column} as "${property}"`;
    })
    .join(', ');
}

export const grantColumns = columnsOf(
  'id',
  'userId',
  'versionId',
  'status',
  'paidWith',
  'pricePerDay',
  'durationDays',
  'currency',
  'grantedAt',
  'availableUntil',
  'endedAt',
  'orderId',
  'spendingId',
  'reason',
  'actorId',
);

export const orderColumns = columnsOf(
  'id',
  'userId',
  'kind',
  'status',
  'amount',
  'currency',
  'versionId',
  'createdAt',
  'expiresAt',
  'paidAt',
  'closedAt',
  'returnUrl',
  'stripeSessionId',
  'checkoutUrl',
  'awaitingPayment',
  'stripePaymentIntentId',
  'capturedAmount',
  'failureReason',
);

export const transactionColumns = columnsOf(
  'id',
  'userId',
  'kind',
  'amount',
  'currency',
  'balanceAfter',
  'version',
  'counterAccount',
  'createdAt',
  'orderId',
  'grantId',
  'refundId',
  'disputeId',
  'stripePaymentIntentId',
  'reason',
  'actorId',
);

export const refundColumns = columnsOf(
  'id',
  'userId',
  'origin',
  'destination',
  'status',
  'amount',
  'currency',
  'unusedDays',
  'grantId',
  'transactionId',
  'orderId',
  'stripeRefundId',
  'failureReason',
  'requestedBy',
  'createdAt',
  'completedAt',
  'attempts',
  'nextAttemptAt',
  'lastError',
);

export const balanceColumns = columnsOf(
  'userId',
  'currency',
  'posted',
  'held',
  'version',
  'eventSequence',
  'createdAt',
  'updatedAt',
);
