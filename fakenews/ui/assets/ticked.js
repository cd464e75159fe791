// The ids of the ticked articles, and what the button that exports them says.
({none}) => {
  const ids = [...document.querySelectorAll('#fn-table input:checked')].map(e => e.value);
  return [ids.join(' '), ids.length ? `Export ${ids.length} selected (CSV)` : none];
}
