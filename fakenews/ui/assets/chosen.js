// Keeps the models that were chosen, in the address and in this browser.
models => {
  const address = new URL(location);
  address.searchParams.set('m', models.join(','));
  history.replaceState(history.state, '', address);
  try { localStorage.setItem('fakenews-models', models.join(',')); } catch { }
}
