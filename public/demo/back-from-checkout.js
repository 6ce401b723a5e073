import { notice, run } from './notices.js';
import * as operations from './operations.js';
import { element } from './parts.js';
import { moneyText } from './words.js';

function openOrderNotice(api, order) {
  const pay = element('a', { href: order.checkoutUrl }, 'Go on paying');
  const cancel = element('button', { type: 'button', className: 'quiet small' }, 'Cancel the order');
  const box = notice(`${order.subscription?.title ?? 'The top-up'} (${moneyText(order.amount)}) is not paid yet.`, {
    actions: [pay, cancel],
  });
  cancel.onclick = () =>
    run(async () => {
      await api.ask(operations.CANCEL_ORDER, { id: order.id });
      box.remove();
      notice('The order is cancelled. Nothing was paid.');
    });
}

/** Says how the order ended with which the viewer comes back from the checkout page; Stripe's news may be a moment behind. */
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
  else notice('There is no such order of this viewer.', { bad: true });
}

function welcome(api, order) {
  if (order.status === 'OPEN') openOrderNotice(api, order);
  else if (order.status === 'PAID') {
    notice(
      order.kind === 'TOP_UP' ? `${moneyText(order.amount)} are in your balance.` : `Paid. ${order.subscription.title} is yours.`,
    );
  } else if (order.status === 'PROCESSING') processingNotice(api, order);
  else notice(endWords[order.status], { bad: true });
}

const endWords = {
  EXPIRED: 'This order has expired. Nothing was charged.',
  FAILED: 'The payment failed. Nothing was charged.',
  CANCELLED: 'This order was cancelled. Nothing was charged.',
};

/** Stays until the bank has responded: what is pushed shows the grant or the money, and this says how the order ended. */
async function processingNotice(api, order) {
  const what = order.subscription?.title ?? `your top-up of ${moneyText(order.amount)}`;
  const box = notice(`Payment for ${what} is being processed. We'll update this page when your bank responds.`);
  while (box.isConnected) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const now = await api.ask(operations.ORDER, { id: order.id }).catch(() => order);
    if (box.isConnected && now && now.status !== 'PROCESSING') return welcome(api, now);
  }
}
