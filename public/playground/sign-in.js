const form = document.getElementById('form');
const token = document.getElementById('token');
const error = document.getElementById('error');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  error.textContent = '';
  try {
    const authorization = `Bearer ${token.value.trim()}`;
    const response = await fetch('/playground/session', { method: 'POST', headers: { authorization } });
    if (response.ok) {
      sessionStorage.setItem('playground:token', token.value.trim());
      location.assign('/playground');
    } else {
      const answer = await response.json().catch(() => ({}));
      error.textContent = answer.error ?? `The server responded with ${response.status}.`;
    }
  } catch {
    error.textContent = "Can't reach the server. Is it running?";
  }
});
