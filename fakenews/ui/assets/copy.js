// A click on anything with data-copy copies it and says so; where the browser refuses, the text is selected instead.
element => element.addEventListener('click', async e => {
  const b = e.target.closest('[data-copy]');
  if (!b) return;
  const field = document.getElementById(b.dataset.copy);
  field.select();
  let done = false;
  try { await navigator.clipboard.writeText(field.value); done = true; }
  catch { done = document.execCommand('copy'); }
  b.firstChild.data = done ? 'Copied' : 'Selected';
})
