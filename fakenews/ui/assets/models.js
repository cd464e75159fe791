// The models chosen by the link or in this browser before, as far as they are here.
({known, usual}) => {
  let named = new URLSearchParams(location.search).get('m');
  try { named ??= localStorage.getItem('fakenews-models'); } catch { }
  const chosen = (named ?? '').split(',').filter(model => known.includes(model));
  return [chosen.length ? chosen : usual];
}
