// Hands over what is selected, once.
visitor => {
  const chosen = window.fakenews.selected ?? '';
  window.fakenews.selected = '';
  if (getSelection().rangeCount) getSelection().collapseToEnd();
  return [visitor, chosen];
}
