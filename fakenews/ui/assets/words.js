// The words of an article, or its sentences: what each weighs is said where it is pointed at, tapped or reached with
// the arrows; while the page is in the mode "what-if", picking one strikes it out. Focus outlives a redrawn text. In a
// shared text, where words are selected to be marked, it is said where the caret is.
(element, trigger) => {
  const selectable = Boolean(element.closest('#fn-shared-text, #fn-set-text'));
  const main = () => document.querySelector('#fn-main');
  const striking = () => main().dataset.mode === 'what-if';
  const units = () => [...element.querySelectorAll('[data-key]:not([data-key] [data-key])')];
  const unitAt = target => units().find(u => u.contains(target));
  const {tip} = window.fakenews;
  let current = '';  // key of the word that has, or had, focus

  const hide = () => { tip().hidden = true; };
  const tell = unit => {
    if (!unit?.dataset.w) return hide();
    const text = element.querySelector('.fn-text'), w = Number(unit.dataset.w);
    const side = w > 0 ? 'fake' : 'real', what = text.dataset.unit === 'word' ? 'words' : 'sentences';
    const size = Math.abs(w) < 0.005 ? 'under 0.01' : Math.abs(w).toFixed(2);
    window.fakenews.tell(unit, `${size} log-odds towards ${side}, rank ${unit.dataset.rank} of ${text.dataset.n} ${what}`);
  };
  element.addEventListener('pointerover', e => { e.buttons ? hide() : tell(unitAt(e.target)); });
  element.addEventListener('pointerout', e => { if (e.relatedTarget !== tip()) hide(); });
  element.addEventListener('focusout', hide);
  if (selectable) {
    element.addEventListener('click', e => { if (getSelection().isCollapsed) tell(unitAt(e.target)); });
    document.addEventListener('selectionchange', () => {
      if (document.activeElement?.isContentEditable && element.contains(document.activeElement))
        tell(unitAt(getSelection().focusNode));
    });
    return;
  }
  element.addEventListener('focusin', e => {
    const unit = unitAt(e.target);
    if (!unit) return;
    for (const u of units()) u.tabIndex = u === unit ? 0 : -1;
    current = unit.dataset.key;
    unit.setAttribute('aria-describedby', 'fn-tip');
    tell(unit);
  });

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
