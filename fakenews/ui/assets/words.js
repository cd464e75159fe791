// The words of an article, or its sentences: what each weighs is said where it is pointed at, tapped or reached with
// the arrows; while the page is in the mode "what-if", picking one strikes it out. Focus outlives a redrawn text.
(element, trigger) => {
  const main = () => document.querySelector('#fn-main');
  const striking = () => main().dataset.mode === 'what-if';
  const units = () => [...element.querySelectorAll('[data-key]:not([data-key] [data-key])')];
  const unitAt = target => units().find(u => u.contains(target));
  document.querySelector('#fn-tip')?.remove();
  const tip = document.createElement('div');
  Object.assign(tip, {id: 'fn-tip', role: 'tooltip', hidden: true});
  document.querySelector('.gradio-container').append(tip);
  let current = '';  // key of the word that has, or had, focus

  const hide = () => { tip.hidden = true; };
  const tell = unit => {
    if (!unit?.dataset.w) return hide();
    const text = element.querySelector('.fn-text'), w = Number(unit.dataset.w);
    const side = w > 0 ? 'fake' : 'real', what = text.dataset.unit === 'word' ? 'words' : 'sentences';
    tip.textContent = `${Math.abs(w).toFixed(2)} log-odds towards ${side}, rank ${unit.dataset.rank} of ${text.dataset.n} ${what}`;
    tip.hidden = false;
    const at = unit.getClientRects()[0], over = at.top - tip.offsetHeight - 4;
    const left = Math.min(at.left, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${(over > 0 ? over : at.bottom + 4) + scrollY}px`;
  };
  element.addEventListener('pointerover', e => tell(unitAt(e.target)));
  element.addEventListener('pointerout', e => { if (e.relatedTarget !== tip) hide(); });
  tip.addEventListener('pointerleave', hide);
  element.addEventListener('focusin', e => {
    const unit = unitAt(e.target);
    if (!unit) return;
    for (const u of units()) u.tabIndex = u === unit ? 0 : -1;
    current = unit.dataset.key;
    unit.setAttribute('aria-describedby', 'fn-tip');
    tell(unit);
  });
  element.addEventListener('focusout', hide);

  const pick = unit => { if (unit && striking()) trigger('click', {key: unit.dataset.key}); };
  element.addEventListener('click', e => {
    const unit = unitAt(e.target);
    tell(unit);
    pick(unit);
  });
  element.addEventListener('keydown', e => {
    const all = units(), i = all.indexOf(document.activeElement);
    const to = {ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: all.length - 1}[e.key];
    if (e.key === 'Escape') hide();
    if (i < 0) return;
    if (e.key === 'Enter' || e.key === ' ') pick(all[i]);
    else if (to === undefined) return;
    else all[Math.max(0, Math.min(to, all.length - 1))].focus();
    e.preventDefault();
  });

  // What is struck out, by its characters; and one word that the Tab key reaches.
  const paint = () => {
    const list = document.querySelector('#fn-struck [data-struck]')?.dataset.struck;
    const struck = list ? list.split(' ').map(s => s.split('-').map(Number)) : [];
    for (const u of element.querySelectorAll('[data-key]')) {
      const [start, end] = u.dataset.key.split('-').map(Number);
      u.classList.toggle('fn-gone', struck.some(([from, to]) => from <= start && end <= to));
    }
    const all = units();
    if (!all.length || all.some(u => u.tabIndex === 0)) return;
    const again = all.find(u => u.dataset.key === current);
    (again ?? all[0]).tabIndex = 0;
    if (again && document.activeElement === document.body) again.focus();
  };
  const watching = new MutationObserver(paint);
  watching.observe(element, {childList: true, subtree: true});
  const list = document.querySelector('#fn-struck');
  if (list) watching.observe(list, {childList: true, subtree: true, attributes: true});
}
