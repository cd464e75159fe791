// A click on a title tells Python its key; a tick says that others are picked.
(element, trigger) => {
  element.addEventListener('click', e => {
    const b = e.target.closest('[data-open]');
    if (b) trigger('click', {key: b.dataset.open});
  });
  element.addEventListener('change', () => trigger('select'));
}
