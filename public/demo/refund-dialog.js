import { currencySign, minorUnits, moneyText } from './format.js';
import { byId } from './parts.js';

/** Why an amount cannot be refunded; empty if it can be. */
function amountError(text, refundable) {
  const amount = minorUnits(text, refundable.currency);
  if (amount === null) return 'Enter an amount such as 20.00.';
  if (amount === 0) return 'Enter an amount greater than zero.';
  return amount > refundable.amount ? `You can refund at most ${moneyText(refundable)}.` : '';
}

/** Asks for confirmation before money moves. Resolves to the viewer's choices, or to null if they decline. */
export function confirmRefund({ title, text, yes, no, destination, refundable }) {
  byId('dialog-title').textContent = title;
  byId('dialog-text').textContent = text;
  byId('dialog-yes').textContent = yes;
  byId('dialog-no').textContent = no;
  byId('dialog-choice').hidden = destination !== 'CARD';
  byId('dialog-destination').value = 'CARD';
  byId('dialog-part').hidden = !refundable;
  byId('dialog-fault').textContent = '';
  if (refundable) byId('dialog-amount').value = moneyText(refundable).replaceAll(/[^\d.]/g, '');
  byId('dialog-amount').removeAttribute('aria-invalid');
  if (refundable) byId('dialog-currency').textContent = currencySign(refundable.currency);
  const dialog = byId('dialog');
  dialog.returnValue = 'no';
  // An invalid amount is reported next to its field, and the dialog stays open.
  byId('dialog-form').onsubmit = (event) => {
    const fault = refundable && event.submitter?.value === 'yes' ? amountError(byId('dialog-amount').value, refundable) : '';
    if (!fault) return;
    event.preventDefault();
    byId('dialog-fault').textContent = fault;
    byId('dialog-amount').setAttribute('aria-invalid', 'true');
    byId('dialog-amount').focus();
  };
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () =>
      resolve(
        dialog.returnValue === 'yes'
          ? { destination: byId('dialog-destination').value, amount: byId('dialog-amount').value }
          : null,
      );
  });
}
