// The models chosen by the link or in this browser before: as far as they were here when the page was built, and all.
({known, usual}) => {
  let named = new URLSearchParams(location.search).get('m');
  try { named ??= localStorage.getItem('fakenews-models'); } catch { }
  named ??= '';
  const chosen = named.split(',').filter(model => known.includes(model));
  return [chosen.length ? chosen : usual, named];
}
