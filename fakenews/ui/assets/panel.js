// Unfolds what a button is about, or folds it up; one at a time.
({panel}) => {
  const main = document.querySelector('#fn-main');
  main.dataset.panel = main.dataset.panel === panel ? '' : panel;
  for (const b of document.querySelectorAll('[id^=fn-][id$=-open]'))
    b.ariaExpanded = b.id === `fn-${main.dataset.panel}-open`;
}
