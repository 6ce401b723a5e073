import { UserError } from './api.js';
import { byId, element, logLine } from './parts.js';

/** Shows a message in the box at the bottom of the page, replacing the previous one. Returns the box. */
export function notice(text, { bad = false, actions = [] } = {}) {
  const box = element(
    'div',
    { className: bad ? 'notice bad' : 'notice', role: bad ? 'alert' : 'status' },
    element('p', {}, text),
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

/** Shows an error: its message if it is meant for users, otherwise a general one. */
export function showError(error) {
  if (!(error instanceof UserError)) console.error(error);
  notice(error instanceof UserError ? error.message : 'Something went wrong. Reload the page.', { bad: true });
}

/** Runs a button's action with the page marked as busy, and shows its error if it fails. */
export async function run(work) {
  document.body.setAttribute('aria-busy', 'true');
  try {
    return await work();
  } catch (error) {
    showError(error);
    return undefined;
  } finally {
    document.body.removeAttribute('aria-busy');
  }
}

/** Adds an entry to the live events, newest first. */
export function log(text, cursor) {
  const list = byId('log');
  list.prepend(logLine(text, cursor));
  while (list.children.length > 60) list.lastChild.remove();
}
