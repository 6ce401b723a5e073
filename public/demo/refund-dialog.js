import { byId } from './parts.js';
import { currencySign, minorUnits, moneyText } from './words.js';

/** What is wrong with a part of what can be given back; empty when nothing is. */
function amountFault(text, refundable) {
  const amount = minorUnits(text, refundable.currency);
  if (amount === null) return 'Write an amount such as 20.00.';
  if (amount === 0) return 'Write more than nothing.';
  return amount > refundable.amount ? `At most ${moneyText(refundable)} can go back.` : '';
}

/** Asks before money moves; resolves to the choices, or to null when the viewer keeps it. */
export function confirmRefund({ title, words, destination, refundable }) {
  byId('dialog-title').textContent = title;
  byId('dialog-words').textContent = words;
  byId('dialog-choice').hidden = destination !== 'CARD';
  byId('dialog-destination').value = 'CARD';
  byId('dialog-part').hidden = !refundable;
  byId('dialog-fault').textContent = '';
  if (refundable) byId('dialog-amount').value = moneyText(refundable).replaceAll(/[^\d.]/g, '');
  byId('dialog-amount').removeAttribute('aria-invalid');
  if (refundable) byId('dialog-currency').textContent = currencySign(refundable.currency);
  const dialog = byId('dialog');
  dialog.returnValue = 'no';
  // A wrong amount is said where it was written: the dialog stays.
  byId('dialog-form').onsubmit = (event) => {
    const fault = refundable && event.submitter?.value === 'yes' ? amountFault(byId('dialog-amount').value, refundable) : '';
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
