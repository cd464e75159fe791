// A click on anything that carries data-open tells Python its key.
(element, trigger) => element.addEventListener('click', e => {
  const b = e.target.closest('[data-open]');
  if (b) trigger('click', {key: b.dataset.open});
})
