import { moneyText } from './format.js';
import { notice, run } from './notices.js';
import * as operations from './operations.js';
import { element } from './parts.js';

function openOrderNotice(api, order) {
  const pay = element('a', { href: order.checkoutUrl }, 'Continue to payment');
  const cancel = element('button', { type: 'button', className: 'quiet small' }, 'Cancel order');
  const what = order.subscription?.title ?? 'your top-up';
  const box = notice(`Payment for ${what} (${moneyText(order.amount)}) isn't complete.`, {
    actions: [pay, cancel],
  });
  cancel.onclick = () =>
    run(async () => {
      await api.ask(operations.CANCEL_ORDER, { id: order.id });
      box.remove();
      notice('Order cancelled. You were not charged.');
    });
}

/** Shows the outcome of the order whose checkout page the viewer returns from. Stripe's webhook may arrive a moment later. */
export async function welcomeBack(api, orderId) {
  let order;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    order = await api.ask(operations.ORDER, { id: orderId });
    if (order?.status !== 'OPEN') break;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  const url = new URL(location.href);
  url.searchParams.delete('order');
  history.replaceState(null, '', url);
  if (order) welcome(api, order);
  else notice('This viewer has no such order.', { bad: true });
}

function welcome(api, order) {
  if (order.status === 'OPEN') openOrderNotice(api, order);
  else if (order.status === 'PAID') {
    notice(
      order.kind === 'TOP_UP'
        ? `${moneyText(order.amount)} was added to your balance.`
        : `Payment complete. You now have access to ${order.subscription.title}.`,
    );
  } else if (order.status === 'PROCESSING') processingNotice(api, order);
  else notice(outcomeText[order.status], { bad: true });
}

const outcomeText = {
  EXPIRED: 'This order has expired. You were not charged.',
  FAILED: 'The payment failed. You were not charged.',
  CANCELLED: 'This order was cancelled. You were not charged.',
};

/** Stays until the bank has responded. Live events show the grant or the money; this shows the outcome of the order. */
async function processingNotice(api, order) {
  const what = order.subscription?.title ?? `your top-up of ${moneyText(order.amount)}`;
  const box = notice(`Payment for ${what} is being processed. We'll update this page when your bank responds.`);
  while (box.isConnected) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const now = await api.ask(operations.ORDER, { id: order.id }).catch(() => order);
    if (box.isConnected && now && now.status !== 'PROCESSING') return welcome(api, now);
  }
}
