import { SayIt } from './api.js';
import { byId, element, logLine } from './parts.js';

/** Says something in the box at the foot of the page, in place of what it said before; gives back the box. */
export function notice(words, { bad = false, actions = [] } = {}) {
  const box = element(
    'div',
    { className: bad ? 'notice bad' : 'notice', role: bad ? 'alert' : 'status' },
    element('p', {}, words),
    ...actions,
  );
  box.append(
    element(
      'button',
      { type: 'button', className: 'quiet small', onclick: () => box.remove(), 'aria-label': 'Close this message' },
      'Close',
    ),
  );
  byId('notices').replaceChildren(box);
  return box;
}

/** Says a failure: its own words when it has words for people. */
export function tell(error) {
  if (!(error instanceof SayIt)) console.error(error);
  notice(error instanceof SayIt ? error.message : 'Something in this page went wrong. Reload it, please.', { bad: true });
}

/** Runs what a button does: one at a time, its failure in words. */
export async function run(work) {
  document.body.setAttribute('aria-busy', 'true');
  try {
    return await work();
  } catch (error) {
    tell(error);
    return undefined;
  } finally {
    document.body.removeAttribute('aria-busy');
  }
}

/** Adds a line to what came over the line, newest first. */
export function log(words, cursor) {
  const list = byId('log');
  list.prepend(logLine(words, cursor));
  while (list.children.length > 60) list.lastChild.remove();
}
